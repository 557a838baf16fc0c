"""What the commands about ideas do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import discord

from frontends.discord.asking import answer, asked
from frontends.discord.confirming import OwnView
from frontends.discord.paging import bundled, show_pages
from frontends.discord.posting import translated
from frontends.discord.project_acting import Numbers, numbers
from frontends.discord.project_asking import asker_from, asker_of
from frontends.discord.project_forms import IdeaForm, offer_checklist
from frontends.discord.project_views import idea_text, outcome_text
from services.domain.errors import AcoreError
from services.projects.records import Idea
from services.projects.service import ProjectServices

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_LONGEST_OPTION = 100


class IdeaActing:
    """Runs commands for whoever uses them; raises what the services raise."""

    def __init__(self, services: ProjectServices) -> None:
        self._services = services

    async def add(self, interaction: Interaction) -> None:
        """Open the form for an idea."""
        (await asker_from(interaction)).need_member()
        async with translated():
            await interaction.response.send_modal(IdeaForm(self._services))

    async def quick(self, interaction: Interaction, title: str) -> None:
        """Keep an idea in one line."""
        idea = await self._services.ideas.add(await asker_from(interaction), title)
        await answer(interaction, idea_text(idea), private=False)

    async def list(self, interaction: Interaction, page: int) -> None:
        """List ideas."""
        found = await self._services.ideas.listed(await asker_from(interaction), page=page)
        nothing = ["There are no ideas; /idea add keeps one."]
        await show_pages(interaction, bundled(map(idea_text, found)) or nothing, private=False)

    async def pick(self, interaction: Interaction) -> None:
        """Let whoever asked choose an idea to begin."""
        found = await self._services.ideas.listed(await asker_from(interaction), unused=True)
        if not found:
            await answer(interaction, "There are no ideas to choose from; /idea add keeps one.")
            return
        await answer(
            interaction,
            "Which idea becomes a project?",
            view=IdeaMenu(interaction, self._services, found),
        )

    async def random(self, interaction: Interaction) -> None:
        """Show any idea."""
        idea = await self._services.ideas.random(await asker_from(interaction))
        await answer(interaction, idea_text(idea), private=False)

    async def delete(self, interaction: Interaction, number: int) -> None:
        """Delete an idea."""
        idea = await self._services.ideas.remove(await asker_from(interaction), number)
        await answer(interaction, f"Deleted: {idea_text(idea)}", private=False)

    async def offered(self, interaction: Interaction, typed: str) -> Numbers:
        """Offer ideas by number and title."""
        try:
            asker = asker_of(await asked(interaction))
        except AcoreError:
            return []
        found = await self._services.ideas.listed(asker)
        return numbers(typed, [(one.number, one.title) for one in found])


class IdeaMenu(OwnView):
    """Up to 25 ideas; the one chosen becomes a project."""

    def __init__(
        self, asked: Interaction, services: ProjectServices, ideas: Sequence[Idea]
    ) -> None:
        super().__init__(asked)
        self._services = services
        menu: discord.ui.Select[Any] = self.chosen
        menu.options = [
            discord.SelectOption(
                label=one.title[:_LONGEST_OPTION],
                value=str(one.number),
                description=" ".join(one.description.split())[:_LONGEST_OPTION] or None,
            )
            for one in ideas
        ]

    @discord.ui.select(custom_id="acore:idea:pick", placeholder="An idea")
    async def chosen(self, interaction: Interaction, menu: discord.ui.Select[Self]) -> None:
        """Start the project, for everybody to see, and offer a checklist."""
        asker = await asker_from(interaction)
        async with translated():
            await interaction.response.defer()
        outcome = await self._services.ideas.pick(asker, int(menu.values[0]), thread=True)
        self.stop()
        async with translated():
            await interaction.edit_original_response(content="It begins.", view=None)
        await answer(interaction, outcome_text(outcome, "An idea begins."), private=False)
        await offer_checklist(interaction, self._services, asker, outcome.project)
