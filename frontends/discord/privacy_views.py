"""Choosing how far one is remembered."""

from __future__ import annotations

from typing import Any, Self, get_args

import discord

from frontends.discord.confirming import Interaction, OwnView
from frontends.discord.posting import translated
from services.domain.ids import AuthorId
from services.people.privacy import Privacy, PrivacyChoices, Reach

_UNCHOSEN = "usual"
_REACHES = {
    _UNCHOSEN: "As far as this installation says",
    "here": "Only in the conversation it was said in",
    "guild": "In the same server",
    "everywhere": "Wherever I talk to the character",
}


class PrivacyPanel(OwnView):
    """Two switches and a menu; what they choose holds everywhere."""

    def __init__(
        self,
        asked: Interaction,
        privacy: Privacy,
        held: PrivacyChoices,
        *,
        account: AuthorId,
    ) -> None:
        super().__init__(asked)
        self._privacy = privacy
        self._account = account
        self._held = held
        self._mark()

    @property
    def text(self) -> str:
        """What holds."""
        learn = "Facts are" if self._held.learn else "No facts are"
        recall = "are" if self._held.recall else "are not"
        reach = _REACHES[self._held.reach or _UNCHOSEN].lower()
        return (
            f"{learn} learnt from what you say.\nCharacters {recall} reminded of what you said "
            f"earlier.\nYour words may be recalled to you: {reach}.\n"
            "-# /privacy says what is kept; /memory forget takes it away."
        )

    @discord.ui.button(label="Learning", row=0)
    async def learn(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Switch learning."""
        await self._privacy.choose(self._account, learn=not self._held.learn)
        await self._show_chosen(interaction)

    @discord.ui.button(label="Recall", row=0)
    async def recall(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Switch recall."""
        await self._privacy.choose(self._account, recall=not self._held.recall)
        await self._show_chosen(interaction)

    @discord.ui.select(
        placeholder="How far your words may be recalled to you",
        row=1,
    )
    async def reach(self, interaction: Interaction, menu: discord.ui.Select[Self]) -> None:
        """Choose the reach."""
        [chosen] = menu.values
        await self._privacy.choose(self._account, reach=chosen)  # type: ignore[arg-type]
        await self._show_chosen(interaction)

    async def _show_chosen(self, interaction: Interaction) -> None:
        self._held = await self._privacy.chosen_by(self._account)
        self._mark()
        async with translated():
            await interaction.response.edit_message(content=self.text, view=self)

    def _mark(self) -> None:
        _show_switch(self.learn, "Learning", on=self._held.learn)
        _show_switch(self.recall, "Recall", on=self._held.recall)
        menu: discord.ui.Select[Any] = self.reach
        menu.options = [
            discord.SelectOption(
                label=_REACHES[reach], value=reach, default=reach == self._held.reach
            )
            for reach in get_args(Reach)
        ]


def _show_switch(button: discord.ui.Button[Any], name: str, *, on: bool) -> None:
    button.label = f"{name}: {'on' if on else 'off'}"
    button.style = discord.ButtonStyle.success if on else discord.ButtonStyle.secondary
