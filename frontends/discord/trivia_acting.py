"""What the commands and buttons of trivia do, and how its games are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord

from frontends.discord.asking import answer, arrived, asked, bot_of
from frontends.discord.clicks import Clickable, Clicked
from frontends.discord.memory_text import shown
from frontends.discord.pacing import Bucket
from frontends.discord.posting import Obstacle, OwnFace, PostingFailed
from services.games.questions import CATEGORIES, checked_wish
from services.games.trivia import Trivia
from services.games.values import Closed, Ending, Player, Step, TriviaGame

if TYPE_CHECKING:
    from frontends.discord.bot import AcoreBot

    Interaction = discord.Interaction[AcoreBot]

_ANSWER_ID = r"acore:trivia:(?P<stamp>\d{1,18}):(?P<option>\d)"
_MOST_NAMES = 10
_ENDINGS = {
    Ending.FINISHED: "The game is over.",
    Ending.STOPPED: "The game was ended.",
    Ending.DESERTED: "Nobody answers, so the game is over.",
    Ending.INTERRUPTED: "The game was interrupted and is over; what was earned counts.",
}


class AnswerButton(Clickable[discord.ui.Button[Any]], template=_ANSWER_ID):
    """Answers a question; only who clicked sees that it is taken."""

    async def clicked(self, interaction: Clicked) -> None:
        """Take the answer."""
        who = await arrived(interaction)
        await (
            bot_of(interaction)
            .services.trivia()
            .answer(
                int(self.parts["option"]),
                by=who.author,
                where=who.conversation,
                stamp=int(self.parts["stamp"]),
            )
        )
        await answer(interaction, "Your answer is in.")


class TriviaActing:
    """Does what commands ask for."""

    def __init__(self, trivia: Trivia) -> None:
        self._trivia = trivia

    async def start(
        self, interaction: Interaction, category: str, difficulty: str, count: int
    ) -> None:
        """Start a game; the questions may take some seconds to come."""
        who = await arrived(interaction)
        wish = checked_wish(category, difficulty, count)
        await interaction.response.defer()
        game = await self._trivia.start(wish, by=who.author, where=who.conversation)
        await answer(interaction, asked_now(game), private=False, view=buttons(game))

    async def join(self, interaction: Interaction) -> None:
        """Let somebody play."""
        who = await arrived(interaction)
        game = await self._trivia.join(by=who.author, where=who.conversation)
        name = shown(who.author.display_name)
        text = f"{name} plays; {len(game.players)} do now."
        await answer(interaction, text, private=False)

    async def end(self, interaction: Interaction) -> None:
        """End the game."""
        who = await asked(interaction)
        step = await self._trivia.end(by=who.author, role=who.role, where=who.conversation)
        await answer(interaction, step_text(step), private=False)

    async def leaderboard(self, interaction: Interaction) -> None:
        """Show the best of the place."""
        who = await asked(interaction)
        best = await self._trivia.leaderboard(where=who.conversation)
        lines = [
            f"{place}. {shown(one.name)}: {one.points} points, {one.right} of {one.asked} right, "
            f"{one.wins} won"
            for place, one in enumerate(best, 1)
        ]
        await answer(interaction, "\n".join(lines) or "Nobody has played here.", private=False)

    async def stats(self, interaction: Interaction) -> None:
        """Show somebody's own score."""
        who = await asked(interaction)
        mine = await self._trivia.stats(by=who.author, where=who.conversation)
        await answer(
            interaction,
            f"{mine.points} points, {mine.right} of {mine.asked} right.\n"
            f"Right in a row: {mine.streak} now, {mine.best_streak} at best.\n"
            f"{mine.games} games, {mine.wins} won.",
        )

    async def categories(self, interaction: Interaction) -> None:
        """Show what questions are about."""
        await asked(interaction)
        lines = [f"`{word}` {name}" for word, name in CATEGORIES.items()]
        await answer(interaction, "\n".join(lines))


class DiscordBoard:
    """Posts how games go on as the bot itself."""

    def __init__(self, bot: AcoreBot) -> None:
        self._bot = bot

    async def show(self, step: Step, /) -> None:
        """Post the answer with the next question; raises ``PostingFailed``."""
        place = self._bot.place(step.where)
        if place is None:
            raise PostingFailed(Obstacle.PLACE)
        await self._bot.pacing.free(Bucket(f"send:{place.channel.id}"))
        view = buttons(step.game) if step.game is not None else None
        await OwnFace(place.channel).send(step_text(step), view=view)


def buttons(game: TriviaGame) -> discord.ui.View:
    """Return a button for each option."""
    view = discord.ui.View(timeout=None)
    for number, option in enumerate(game.question.options, 1):
        view.add_item(
            discord.ui.Button(custom_id=f"acore:trivia:{game.stamp}:{number}", label=option[:80])
        )
    view.stop()
    return view


def asked_now(game: TriviaGame) -> str:
    """Return the question that is asked."""
    question = game.question
    kind = CATEGORIES.get(question.category, question.category)
    return (
        f"**Question {game.number} of {game.count}**\n{_plain(question.text)}\n"
        f"-# {_plain(kind)}, {question.difficulty.value}; over "
        f"{discord.utils.format_dt(game.ends_at, 'R')}, or when all players have answered"
    )


def step_text(step: Step) -> str:
    """Return how a game went on."""
    parts = [] if step.closed is None else [_closed(step.closed)]
    if step.game is not None:
        parts.append(asked_now(step.game))
    if step.ending is not None:
        parts.append("\n".join([_ENDINGS[step.ending], *_standing(step.players)]))
    return "\n\n".join(parts)


def _closed(closed: Closed) -> str:
    named = [f"{shown(one.name, longest=40)} +{one.points}" for one in closed.scored]
    right = ", ".join(named[:_MOST_NAMES]) or "nobody"
    if len(named) > _MOST_NAMES:
        right += f" and {len(named) - _MOST_NAMES} more"
    return f"The answer to {closed.number}: **{_plain(closed.answer)}**. Right: {right}."


def _standing(players: Sequence[Player]) -> list[str]:
    return [
        f"{place}. {shown(one.name, longest=40)}: {one.points} points, {one.right} right"
        for place, one in enumerate(players[:_MOST_NAMES], 1)
    ]


def _plain(text: str) -> str:
    return discord.utils.escape_markdown(text)
