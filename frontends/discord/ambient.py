"""Joining in unasked, switched per channel."""

from __future__ import annotations

from services.conversation.places import PlaceSettings
from services.domain.ids import ConversationId
from services.domain.people import Author, Role

_TRIGGER = "ambient"
_DEAF = "Messages are not read here, so nobody can join in: /listen on changes that."


class AmbientSwitch:
    """Puts the trigger ``ambient`` among those of a channel, or takes it out."""

    def __init__(self, places: PlaceSettings) -> None:
        self._places = places

    async def status(self, conversation: ConversationId) -> str:
        """Return whether characters join in unasked, and how likely."""
        shown = {one.name: one.shown for one in await self._places.overview(conversation)}
        if _TRIGGER not in _words(shown["triggers"]):
            return "Nobody joins in unasked here; /ambient enable changes that."
        lines = [f"Characters join in unasked here, with a chance of {shown['ambient_chance']}."]
        rules = await self._places.of(conversation)
        if not rules.listens:
            lines.append(_DEAF)
        if rules.quiet_hours is not None:
            lines.append(f"Not between {rules.quiet_hours}.")
        return " ".join(lines)

    async def enable(
        self, conversation: ConversationId, chance: str | None, *, by: Author, role: Role
    ) -> str:
        """Let characters join in, with ``chance`` where one is given; return the status.

        Raises what ``PlaceSettings.change`` raises; an impossible chance changes nothing.
        """
        if chance is not None:
            await self._places.change(conversation, "ambient_chance", chance, by=by, role=role)
        words = await self._triggers(conversation)
        if _TRIGGER not in words:
            await self._choose([*words, _TRIGGER], conversation, by=by, role=role)
        return await self.status(conversation)

    async def disable(self, conversation: ConversationId, *, by: Author, role: Role) -> str:
        """Let nobody join in; return the status."""
        words = [word for word in await self._triggers(conversation) if word != _TRIGGER]
        await self._choose(words, conversation, by=by, role=role)
        return await self.status(conversation)

    async def _triggers(self, conversation: ConversationId) -> list[str]:
        overview = await self._places.overview(conversation)
        return _words(next(one.shown for one in overview if one.name == "triggers"))

    async def _choose(
        self, words: list[str], conversation: ConversationId, *, by: Author, role: Role
    ) -> None:
        text = ", ".join(words) or "none"
        await self._places.change(conversation, "triggers", text, by=by, role=role)


def _words(shown: str) -> list[str]:
    return [word for word in shown.split(", ") if word != "none"]
