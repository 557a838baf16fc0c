"""What the commands, the form and the menu for code do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import discord

from frontends.discord.asking import answer, arrived
from frontends.discord.code_text import code_answer
from frontends.discord.confirming import Form
from frontends.discord.posting import translated
from services.code_runner.blocks import code_in
from services.code_runner.service import CodeRunner
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

Task = Literal["run", "check"]

_LONGEST_FIELD = 4_000  # what a form of Discord takes
_MARK = "```"


class CodeForm(Form):
    """Takes code in a long field."""

    code: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="Python",
        custom_id="code",
        style=discord.TextStyle.paragraph,
        max_length=_LONGEST_FIELD,
        placeholder="print(sum(range(10)))",
    )

    def __init__(self, acting: CodeActing, task: Task) -> None:
        super().__init__(title="Run Python" if task == "run" else "Check Python")
        self._acting = acting
        self._task: Task = task

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        """Run it."""
        await self._acting.work(interaction, self.code.value, self._task)


class CodeActing:
    """Does what commands ask for."""

    def __init__(self, runner: CodeRunner) -> None:
        self._runner = runner

    async def ask(self, interaction: Interaction, task: Task) -> None:
        """Show the form, unless it would be for nothing."""
        self._runner.check((await arrived(interaction)).role)
        async with translated():
            await interaction.response.send_modal(CodeForm(self, task))

    async def menu(self, interaction: Interaction, message: discord.Message) -> None:
        """Run the code block of a message."""
        self._runner.check((await arrived(interaction)).role)
        if _MARK not in message.content:
            raise InvalidRequest("code_no_block", "That message holds no code block.")
        await self.work(interaction, code_in(message.content), "run")

    async def work(self, interaction: discord.Interaction[Any], code: str, task: Task) -> None:
        """Run or check ``code`` and show what came of it: to all, as it was asked for openly."""
        who = await arrived(interaction)
        async with translated():
            await interaction.response.defer(thinking=True)
        do = self._runner.run if task == "run" else self._runner.analyse
        result = await do(code, by=who.author, role=who.role, where=who.conversation)
        text, files = code_answer(result)
        await answer(interaction, text, private=False, files=files)
