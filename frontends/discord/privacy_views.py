"""Choosing how far one is remembered, and being asked before others have something remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self, get_args

import discord

from frontends.discord.asking import answer, asked
from frontends.discord.confirming import Interaction, OwnView, close
from frontends.discord.failures import tell
from frontends.discord.memory_text import shown
from frontends.discord.posting import PostingFailed, translated
from services.domain.ids import AuthorId
from services.people.privacy import Privacy, PrivacyChoices, Reach

_UNCHOSEN = "usual"
_REACHES = {
    _UNCHOSEN: "As far as this installation says",
    "here": "Only in the conversation it was said in",
    "guild": "In the same server",
    "everywhere": "Wherever I talk to the character",
}
_CONSENT_SECONDS = 600.0


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


class Consent(discord.ui.View):
    """Asks somebody whether what another said of them may be remembered; until then it is not."""

    def __init__(
        self,
        asked: Interaction,
        whom: discord.abc.User,
        keep: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(timeout=_CONSENT_SECONDS)
        self._asked = asked
        self._whom = whom
        self._keep = keep

    @discord.ui.button(style=discord.ButtonStyle.success, label="Allow")
    async def allow(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Have it remembered."""
        await asked(interaction)
        await self._keep()
        self.stop()
        await close(
            interaction,
            f"{shown(self._whom.display_name)} agreed; it is remembered. "
            "/memory show and /memory forget are theirs to use.",
        )

    @discord.ui.button(label="No")
    async def refuse(self, interaction: Interaction, _button: discord.ui.Button[Self]) -> None:
        """Forget about it."""
        self.stop()
        await close(interaction, "Nothing was stored.")

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Let the person decide; whoever asked can only withdraw."""
        pressed: Any = interaction.data
        withdraws = pressed["custom_id"] == self.refuse.custom_id
        mine = interaction.user.id == self._asked.user.id and withdraws
        if mine or interaction.user.id == self._whom.id:
            return True
        await answer(interaction, f"Only {shown(self._whom.display_name)} can decide that.")
        return False

    async def on_error(self, interaction: Interaction, error: Exception, _item: Any, /) -> None:  # noqa: ANN401
        """Say why it did not work."""
        await tell(interaction, error)

    async def on_timeout(self) -> None:
        """Leave it at that."""
        try:
            async with translated():
                await self._asked.edit_original_response(
                    content="There was no answer, so nothing was stored.", view=None
                )
        except PostingFailed:  # the message is gone, or too old to be changed
            return
