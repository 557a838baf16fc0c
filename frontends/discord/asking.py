"""Who uses a command or a button and where, and how they are answered."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.pages import paginate
from frontends.discord.places import Place, author_of, place_of, role_of
from frontends.discord.posting import SILENT, translated
from services.domain.errors import InvalidRequest, NotAllowed
from services.domain.ids import ConversationId
from services.domain.people import Author, Role

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

_MOST_PAGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for something, where, and with which standing there."""

    place: Place
    author: Author
    role: Role

    @property
    def conversation(self) -> ConversationId:
        """The conversation held there."""
        return self.place.conversation

    @property
    def here(self) -> Role:
        """The role that changes are made with: in private, everybody is at least a moderator."""
        return max(self.role, Role.MODERATOR) if self.place.private else self.role

    def need(self, role: Role) -> None:
        """Raise ``NotAllowed`` below ``role``; in private everybody may do what moderators may."""
        private = self.place.private and role <= Role.MODERATOR
        if self.role < role and not private:
            raise NotAllowed(
                "command_permission", f"Only {role.name.lower()}s and up may do that here."
            )


async def asked(interaction: discord.Interaction[Any]) -> Asked:
    """Return who asks and where; a blocked account is refused.

    Raises ``InvalidRequest`` in a kind of channel that holds no conversations, ``NotAllowed``.
    """
    place = place_of(interaction.channel, interaction.guild)
    if place is None:
        raise InvalidRequest("channel_kind", "That does not work in this kind of channel.")
    bot = bot_of(interaction)
    services = bot.services
    author = author_of(interaction.user)
    rules = await services.places().note_adults(place.conversation, adults=place.adults)
    permissions = None if place.private else interaction.permissions
    given = role_of(interaction.user, permissions=permissions, admins=rules.admin_roles)
    if bot.owns(interaction.user.id):
        given = Role.OWNER
    standing = await services.permissions().standing(author.id, place.conversation, given=given)
    if standing.blocked:
        raise NotAllowed("blocked", "You are not answered here.")
    return Asked(place=place, author=author, role=standing.role)


async def arrived(interaction: discord.Interaction[Any]) -> Asked:
    """Return who asks and where, as ``asked`` does, with a person to the account by then."""
    who = await asked(interaction)
    await bot_of(interaction).services.arrivals().note(who.author)
    return who


def bot_of(interaction: discord.Interaction[Any]) -> AcoreBot:
    """Return the bot that got an interaction."""
    bot: AcoreBot = interaction.client
    return bot


async def answer(
    interaction: discord.Interaction[Any],
    text: str,
    *,
    private: bool = True,
    view: discord.ui.View | None = None,
    files: Sequence[discord.File] = (),
) -> None:
    """Answer a command or button, at once or after it was deferred; ``private`` is ephemeral.

    A long text becomes several messages, a very long one a file.
    """
    contents = [page.content for page in paginate(text)] or ["\u200b"]
    attached = list(files)
    if len(contents) > _MOST_PAGES:
        attached.append(discord.File(io.BytesIO(text.encode()), filename="answer.txt"))
        contents = contents[:1]
    for index, content in enumerate(contents):
        last = index == len(contents) - 1
        more: dict[str, Any] = {"view": view} if view is not None and last else {}
        if attached and last:
            more["files"] = attached
        async with translated():
            if interaction.response.is_done():
                await interaction.followup.send(
                    content, ephemeral=private, allowed_mentions=SILENT, **more
                )
            else:
                await interaction.response.send_message(
                    content,
                    ephemeral=private,
                    allowed_mentions=SILENT,
                    suppress_embeds=True,
                    **more,
                )
