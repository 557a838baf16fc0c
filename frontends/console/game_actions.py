"""Commands for games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import one_line
from services.domain.errors import InvalidRequest
from services.games.questions import CATEGORIES, Difficulty, Wish, checked_wish
from services.games.story import Story
from services.games.storyteller import Speaker
from services.games.values import Dilemma, Ending, Score, Step, TriviaGame

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_TRIVIA_USAGE = (
    "Write /trivia, /trivia start [CATEGORY] [easy|medium|hard] [COUNT], /trivia answer ANSWER, "
    "/trivia join, /trivia end, /trivia leaderboard, /trivia stats or /trivia categories."
)
_STORY_USAGE = (
    "Write /story, /story start TITLE, /story join, /story add TEXT, /story skip, /story end, "
    "/story show NUMBER, /story list or /story export [NUMBER]."
)
_WIDTH = 1500
_ENDINGS = {
    Ending.FINISHED: "The game is over.",
    Ending.STOPPED: "The game was ended.",
    Ending.DESERTED: "Nobody answers, so the game is over.",
    Ending.INTERRUPTED: "The game was interrupted and is over.",
}


async def _trivia(talk: Talk, argument: str) -> None:
    word, _, rest = argument.partition(" ")
    by, where, trivia = talk.author, talk.conversation, talk.trivia
    late = await trivia.settle(where=where)
    _steps(talk, late)
    match word.lower():
        case "" | "answer" if late:
            return
        case "":
            _game(talk, await trivia.current(where=where))
        case "start":
            _game(talk, await trivia.start(_wish(rest), by=by, where=where))
        case "join":
            _game(talk, await trivia.join(by=by, where=where))
        case "answer" if rest.strip():
            await trivia.say(rest, by=by, where=where)
            _steps(talk, await trivia.settle(where=where))
        case "end":
            _steps(talk, [await trivia.end(by=by, role=talk.role, where=where)])
        case "leaderboard":
            _scores(talk, await trivia.leaderboard(where=where))
        case "stats":
            _scores(talk, [await trivia.stats(by=by, where=where)])
        case "categories":
            lines = [f"{key}: {name}" for key, name in CATEGORIES.items()]
            fields = {"categories": dict(CATEGORIES)}
            talk.view.report(Report(kind="trivia_categories", lines=lines, fields=fields))
        case _:
            raise InvalidRequest("trivia_usage", _TRIVIA_USAGE)


async def _rather(talk: Talk, argument: str) -> None:
    if argument.strip() in {"1", "2"}:
        latest = await talk.dilemmas.latest(where=talk.conversation)
        found = await talk.dilemmas.vote(
            latest.number, int(argument), by=talk.author, where=talk.conversation
        )
    else:
        found = await talk.dilemmas.ask(argument, by=talk.author, where=talk.conversation)
    _dilemma(talk, found)


async def _story(talk: Talk, argument: str) -> None:
    word, _, rest = argument.partition(" ")
    rest = rest.strip()
    by, role, where, stories = talk.author, talk.role, talk.conversation, talk.stories
    match word.lower():
        case "":
            _shown(talk, await stories.show(where=where))
        case "start" if rest:
            _shown(talk, await stories.start(rest, by=by, where=where))
        case "join":
            _shown(talk, await stories.join(by=by, where=where))
        case "add" if rest:
            await _write(talk, rest)
        case "skip":
            _shown(talk, await stories.skip(by=by, role=role, where=where))
        case "end":
            _shown(talk, await stories.end(by=by, role=role, where=where))
        case "show" if rest:
            _shown(talk, await stories.show(where=where, number=_number(rest)))
        case "list":
            found = await stories.listed(where=where)
            lines = [f"{one.number}. {one.title}: {one.written} parts" for one in found]
            fields = {"stories": [one.as_json() for one in found]}
            talk.view.report(
                Report(kind="stories", lines=lines or ["There are none."], fields=fields)
            )
        case "export":
            text = await stories.export(where=where, number=_number(rest) if rest else None)
            talk.view.report(
                Report(kind="story_text", lines=text.splitlines(), fields={"markdown": text})
            )
        case _:
            raise InvalidRequest("story_usage", _STORY_USAGE)


async def _write(talk: Talk, text: str) -> None:
    story, due = await talk.stories.add(text, by=talk.author, where=talk.conversation)
    if due:
        persona = await talk.conversations.persona_of(talk.conversation)
        card = persona.character
        speaker = Speaker(name=persona.name, manner=card.personality or card.description)
        story = await talk.stories.go_on(speaker, where=talk.conversation) or story
    _shown(talk, story)


def _wish(text: str) -> Wish:
    category, difficulty, count = "", "", 10
    for word in text.lower().split():
        if word.isdecimal() and len(word) < 4:
            count = int(word)
        elif word in set(Difficulty):
            difficulty = word
        else:
            category = word
    return checked_wish(category, difficulty, count)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise InvalidRequest("story_number", "Write its number, such as 2.")
    return int(text)


def _game(talk: Talk, game: TriviaGame) -> None:
    fields = {"game": game.as_json()}
    talk.view.report(Report(kind="trivia", lines=_question(game), fields=fields))


def _question(game: TriviaGame) -> list[str]:
    options = enumerate(game.question.options, 1)
    return [
        f"Question {game.number} of {game.count} ({game.seconds} s): {game.question.text}",
        *(f"  {number}. {option}" for number, option in options),
    ]


def _steps(talk: Talk, steps: Sequence[Step]) -> None:
    for step in steps:
        lines: list[str] = []
        if step.closed is not None:
            right = ", ".join(f"{one.name} +{one.points}" for one in step.closed.scored)
            lines.append(f"The answer: {step.closed.answer}. Right: {right or 'nobody'}.")
        if step.game is not None:
            lines += _question(step.game)
        if step.ending is not None:
            lines.append(_ENDINGS[step.ending])
            lines += [f"  {one.name}: {one.points} points" for one in step.players]
        talk.view.report(Report(kind="trivia", lines=lines, fields={"step": step.as_json()}))


def _scores(talk: Talk, scores: Sequence[Score]) -> None:
    lines = [
        f"{one.name}: {one.points} points, {one.right} of {one.asked} right, "
        f"{one.streak} in a row (best {one.best_streak}), {one.wins} of {one.games} won"
        for one in scores
    ]
    fields = {"scores": [one.as_json() for one in scores]}
    talk.view.report(
        Report(kind="trivia_scores", lines=lines or ["Nobody has played here."], fields=fields)
    )


def _dilemma(talk: Talk, found: Dilemma) -> None:
    lines = [
        f"Would you rather 1. {found.first} ({found.votes[0]}) or "
        f"2. {found.second} ({found.votes[1]})? Write /rather 1 or /rather 2."
    ]
    talk.view.report(Report(kind="dilemma", lines=lines, fields={"dilemma": found.as_json()}))


def _shown(talk: Talk, story: Story) -> None:
    lines = [f"{story.number}. {story.title}{' (ended)' if story.ended else ''}"]
    lines += [f"  {one.name}: {one_line(one.text, longest=_WIDTH)}" for one in story.parts]
    if story.turn is not None and not story.ended:
        lines.append(f"It is the turn of {story.turn.name}.")
    talk.view.report(Report(kind="story", lines=lines, fields={"story": story.as_json()}))


GAME_COMMANDS = (
    SlashCommand(
        name="trivia",
        argument="[start|answer|join|end|leaderboard|stats|categories]",
        summary="Play trivia: questions with four answers each.",
        perform=_trivia,
    ),
    SlashCommand(
        name="rather",
        argument="[THEME|1|2]",
        summary="Be asked what you would rather, and vote.",
        perform=_rather,
    ),
    SlashCommand(
        name="story",
        argument="[start|join|add|skip|end|show|list|export]",
        summary="Write a story in turns.",
        perform=_story,
    ),
)
