"""What commands about memory do."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from frontends.discord.asking import Asked, answer, arrived, asked
from frontends.discord.choosing import ranked
from frontends.discord.confirming import Confirmation, close
from frontends.discord.forgetting_views import ForgetForm, show_receipt
from frontends.discord.memory_text import (
    fact_block,
    fact_labels,
    match_pages,
    memory_pages,
    named_fact,
    notice_pages,
    reminder_pages,
    shown,
)
from frontends.discord.paging import show_pages
from frontends.discord.posting import translated
from frontends.discord.privacy_views import PrivacyPanel
from services.conversation.reminding import Reminding
from services.conversation.service import ConversationService
from services.domain.errors import AcoreError, InvalidRequest
from services.housekeeping.privacy_notice import NoticePart, PrivacyNotice
from services.memory.rights.service import MemoryRights, Requester
from services.memory.rights.statements import Statement
from services.people.privacy import Privacy

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Choices = list[app_commands.Choice[str]]

_TURNS = 10
_LARGEST_FILE = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryServices:
    """What memory commands call."""

    rights: MemoryRights
    privacy: Privacy
    notice: PrivacyNotice
    reminding: Reminding
    conversations: ConversationService


class MemoryActing:
    """Shows people what is remembered of them, and changes it; everything is theirs alone to see.

    Raises what the services raise.
    """

    def __init__(self, services: MemoryServices) -> None:
        self._services = services
        self._rights = services.rights

    async def show(self, interaction: Interaction) -> None:
        """Show the facts with where they come from."""
        requester = requester_of(await arrived(interaction))
        facts = await self._rights.facts(requester)
        pages = memory_pages(facts, await self._rights.overview(requester))
        await show_pages(interaction, pages)

    async def search(self, interaction: Interaction, query: str) -> None:
        """Show what of the person's own holds all words."""
        requester = requester_of(await arrived(interaction))
        found = await self._rights.search(requester, query, limit=100)
        pages = match_pages(found) if found.count else ["Nothing of yours matches that."]
        await show_pages(interaction, pages)

    async def add(self, interaction: Interaction, key: str, value: str) -> None:
        """Remember something the person says of themselves."""
        who = await arrived(interaction)
        requester = requester_of(who)
        kept = await self._rights.add(requester, await self.statement(who, value, key=key))
        await answer(interaction, f"I will remember:\n{fact_block(kept)}")

    async def correct(self, interaction: Interaction, fact: str, value: str) -> None:
        """Put another value into a fact."""
        requester = requester_of(await arrived(interaction))
        named = named_fact(await self._rights.facts(requester), fact)
        changed = await self._rights.correct(requester, named, value)
        await answer(interaction, f"Corrected:\n{fact_block(changed)}")

    async def pin(self, interaction: Interaction, fact: str, *, pinned: bool) -> None:
        """Have a fact recalled always, or no longer so."""
        requester = requester_of(await arrived(interaction))
        named = named_fact(await self._rights.facts(requester), fact)
        changed = await self._rights.pin(requester, named, pinned=pinned)
        head = "Pinned, so it is always recalled" if pinned else "No longer pinned"
        await answer(interaction, f"{head}:\n{fact_block(changed)}")

    async def recall(self, interaction: Interaction, query: str) -> None:
        """Show what a question would bring back here."""
        who = await arrived(interaction)
        await self._wait(interaction)
        persona = await self._services.conversations.persona_of(who.conversation)
        found = await self._services.reminding.remind(
            query,
            account=who.author.id,
            persona=persona.id,
            conversation=who.conversation,
            limit=_TURNS,
        )
        await show_pages(interaction, reminder_pages(found, persona=persona.name))

    async def export(self, interaction: Interaction) -> None:
        """Hand over everything of the person as a file."""
        requester = requester_of(await arrived(interaction))
        await self._wait(interaction)
        exported = await self._rights.export(requester)
        file = await asyncio.to_thread(_packed, exported)
        await answer(interaction, "Everything that is kept of you:", files=[file])

    async def privacy(self, interaction: Interaction) -> None:
        """Show what the person chose, and let them choose."""
        who = await arrived(interaction)
        privacy, account = self._services.privacy, who.author.id
        held = await privacy.chosen_by(account)
        panel = PrivacyPanel(interaction, privacy, held, account=account)
        await answer(interaction, panel.text, view=panel)

    async def notice(self, interaction: Interaction) -> None:
        """Say what is stored, for how long, where, and how to see and delete it."""
        who = await asked(interaction)
        parts = await self._services.notice.of(who.conversation)
        days = interaction.client.settings.forget_guild_days
        await show_pages(interaction, notice_pages([*parts, *_on_discord(days)]))

    # -- forgetting

    async def forget_fact(self, interaction: Interaction, fact: str) -> None:
        """Forget one fact."""
        requester = requester_of(await arrived(interaction))
        named = named_fact(await self._rights.facts(requester), fact)
        await self._rights.forget_fact(requester, named)
        await answer(interaction, "That is forgotten.")

    async def forget_hearsay(self, interaction: Interaction) -> None:
        """Forget what others told of the person."""
        requester = requester_of(await arrived(interaction))
        count = await self._rights.forget_hearsay(requester)
        await answer(interaction, f"{count} things that others told of you are forgotten.")

    async def forget_matching(self, interaction: Interaction, query: str) -> None:
        """Show what matches, and forget it once that is confirmed."""
        requester = requester_of(await arrived(interaction))
        found = await self._rights.preview(requester, query)

        async def erase(click: discord.Interaction[AcoreBot]) -> None:
            await close(click, "Forgetting…")
            receipt = await self._rights.forget_matching(requester, query, expected=found.count)
            await show_receipt(click, receipt)

        [first, *more] = match_pages(found, head="This would be forgotten, for good:")
        rest = f"\n-# … and more: {found.count} in all; /memory search shows them." if more else ""
        view = Confirmation(interaction, f"Forget these {found.count}", erase)
        await answer(interaction, f"{first}{rest}", view=view)

    async def forget_me(self, interaction: Interaction) -> None:
        """Forget everything once that is confirmed twice."""
        requester = requester_of(await arrived(interaction))
        overview = await self._rights.overview(requester)

        async def ask_again(click: discord.Interaction[AcoreBot]) -> None:
            form = ForgetForm(lambda: self._rights.forget_me(requester))
            async with translated():
                await click.response.send_modal(form)

        text = (
            f"This erases all {overview.messages} messages and {overview.facts} facts of yours, "
            "everywhere, with your personas and choices. What you wrote stays on Discord until "
            "you delete it there. It cannot be undone; /memory export takes a copy first."
        )
        await answer(interaction, text, view=Confirmation(interaction, "Forget me", ask_again))

    # -- ground

    async def statement(
        self, who: Asked, value: str, *, key: str = "", name: str = ""
    ) -> Statement:
        """Return something to be remembered by the character that answers here."""
        persona = await self._services.conversations.persona_of(who.conversation)
        return Statement(
            value=value,
            key=key,
            name=name or who.author.display_name,
            persona=persona.id,
            conversation=who.conversation,
        )

    async def facts_offered(self, interaction: Interaction, typed: str) -> Choices:
        """Return the person's facts that fit what is typed."""
        return await offered(self._facts_offered, interaction, typed)

    async def _facts_offered(self, interaction: Interaction, typed: str) -> Choices:
        requester = requester_of(await asked(interaction))
        return ranked(typed, fact_labels(await self._rights.facts(requester)).items())

    async def _wait(self, interaction: Interaction) -> None:
        async with translated():
            await interaction.response.defer(ephemeral=True)


def requester_of(who: Asked) -> Requester:
    """Return whoever asks as somebody with rights over their own memory."""
    return Requester(account=who.author.id, role=who.role)


async def offered(
    choices: Callable[[Interaction, str], Awaitable[Choices]], interaction: Interaction, typed: str
) -> Choices:
    """Return choices, none where they cannot be had: nobody is shown an error while typing."""
    try:
        return await choices(interaction, typed)
    except AcoreError:
        return []


def _packed(exported: Mapping[str, object]) -> discord.File:
    content = (json.dumps(exported, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
    if len(content) <= _LARGEST_FILE:
        return discord.File(io.BytesIO(content), filename="memory.json")
    content = gzip.compress(content)
    if len(content) > _LARGEST_FILE:
        raise InvalidRequest(
            "export_large",
            "That is more than Discord takes; ask whoever runs me for `memory export`.",
        )
    return discord.File(io.BytesIO(content), filename="memory.json.gz")


def _on_discord(days: float) -> tuple[NoticePart, ...]:
    return (
        NoticePart(
            heading="On Discord",
            sentences=[
                "What you and I write here is on Discord as well, under Discord's own rules.",
                f"A server that removes me is forgotten after {shown(f'{days:g}')} days.",
            ],
        ),
        NoticePart(
            heading="What you can do",
            sentences=[
                "`/memory show` and `/memory search`: see what is known of you.",
                "`/memory correct` and `/memory forget`: put it right, or have it erased; "
                "`/memory forget me` erases everything and proves it.",
                "`/memory privacy`: choose whether facts are learnt and how far they are recalled.",
                "`/memory export`: take everything away as a file.",
            ],
        ),
    )
