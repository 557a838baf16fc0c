"""Characters as people read about them in Discord."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord

from frontends.discord.posting import SILENT, translated
from services.conversation.place_rules import PlaceRules
from services.conversation.places import Chosen, Where
from services.conversation.scenes import Cast
from services.domain.errors import NotAllowed
from services.persona.cards.importing import ImportedCard
from services.persona.cards.keeping import KeptVersion
from services.persona.character import Persona
from services.persona.macros.names import fill

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_LINE = 200
_ABOUT = 1_500
_FIELD = 1_000
_OUTCOMES = {
    "new": "{name} is here, as {slug}.",
    "replaced": "{slug} has a new version; /characters versions shows all of them.",
    "unchanged": "{slug} is like that already; nothing was changed.",
}
_CHOSEN = {
    Where.THREAD: "chosen for this thread",
    Where.CHANNEL: "chosen for this channel",
    Where.SERVER: "chosen for this server",
    Where.EVERYWHERE: "chosen everywhere",
    Where.DEFAULT: "the default, since nobody was chosen",
}


def listed(personas: Sequence[Persona], rules: PlaceRules) -> list[str]:
    """Return one line on each character that may speak in a place, and how many may not."""
    lines = [
        f"**{_plain(one.name)}** (`{one.slug}`) {about(one, _LINE)}".rstrip()
        for one in personas
        if rules.admits(one)
    ]
    hidden = len(personas) - len(lines)
    if hidden:
        lines.append(f"-# {hidden} more speak in age-restricted channels only.")
    return lines or ["There are no characters yet; /characters import brings one."]


def check_admitted(persona: Persona, rules: PlaceRules) -> None:
    """Raise ``NotAllowed`` for a character that may not speak in the place of ``rules``."""
    if not rules.admits(persona):
        raise NotAllowed(
            "adults_only", f"{persona.name} speaks in age-restricted channels only; choose another."
        )


def about(persona: Persona, longest: int) -> str:
    """Return what a card tells people of its character, else how its description begins."""
    card = persona.character
    text = card.creator_notes.strip() or card.description
    filled = fill(text, char=persona.name, user="you")
    text = " ".join(filled.split()) if longest <= _LINE else filled.strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


async def show_character(
    interaction: discord.Interaction[AcoreBot], persona: Persona, *, private: bool = True
) -> None:
    """Answer a deferred command with a character's name, picture and what is told of it."""
    embed = discord.Embed(title=persona.character.name[:256], description=about(persona, _ABOUT))
    picture = await interaction.client.portraits.url(persona)
    if picture is not None:
        embed.set_thumbnail(url=picture)
    for name, value in _facts(persona):
        embed.add_field(name=name, value=value[:_FIELD], inline=len(value) <= 40)
    async with translated():
        await interaction.followup.send(embed=embed, ephemeral=private, allowed_mentions=SILENT)


def _facts(persona: Persona) -> list[tuple[str, str]]:
    card = persona.character
    greetings = bool(card.first_mes.strip()) + len(card.alternate_greetings)
    found = [
        ("Called", f"{persona.name} (`{persona.slug}`)"),
        ("By", card.creator),
        ("Version", card.character_version),
        ("Tags", ", ".join(card.tags)),
        ("Greetings", str(greetings or "")),
        ("Lorebook", "yes" if card.character_book else ""),
        ("Adults only", "yes" if persona.adult else ""),
    ]
    return [(name, value) for name, value in found if value]


def answering(persona: Persona, chosen: Chosen, cast: Cast, rules: PlaceRules) -> str:
    """Say who answers in a place and why."""
    if cast.open:
        names = ", ".join(one.name for one in cast.members) or "nobody whose card is there"
        return f"A scene is open here; taking part: {names}."
    line = f"{persona.name} answers here: {_CHOSEN[chosen.where]}."
    if not rules.admits(persona):
        line += " But it speaks in age-restricted channels only; /characters set chooses another."
    return line


def outcome(imported: ImportedCard) -> str:
    """Say what became of a card."""
    said = _OUTCOMES[imported.outcome].format(name=imported.name, slug=imported.slug)
    return "\n".join([said, *(f"-# Note: {warning}" for warning in imported.warnings[:10])])


def version_lines(versions: Sequence[KeptVersion]) -> list[str]:
    """Return the versions of a character, one a line, the newest first."""
    return [
        f"`{one.number:>3}` {_saved(one)} `{one.digest[:8]}`{' (present)' * one.is_current}"
        for one in reversed(versions)
    ]


def _saved(version: KeptVersion) -> str:
    moment = version.saved_at
    return discord.utils.format_dt(moment, "f") if moment else "not kept yet"


def _plain(name: str) -> str:
    return discord.utils.escape_markdown(name)
