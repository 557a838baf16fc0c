"""Tools for small play in a chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from services.games.dilemmas import Dilemmas
from services.games.questions import QuestionSource, checked_wish
from services.toolbox.spec import ToolContext, ToolSpec

Category = Literal[
    "any",
    "general",
    "science",
    "computers",
    "mathematics",
    "history",
    "geography",
    "sports",
    "animals",
    "books",
    "film",
    "music",
    "mythology",
]
Theme = Literal["any", "everyday", "food", "travel", "powers", "fantasy", "technology"]


class _Asked(BaseModel):
    category: Category = Field("any", description="What it is about.")
    difficulty: Literal["any", "easy", "medium", "hard"] = "any"


class _Drawn(BaseModel):
    theme: Theme = Field("any", description="What it is about.")


def game_tools(bank: QuestionSource, dilemmas: Dilemmas) -> Sequence[ToolSpec]:
    """Return the tools; questions of ``bank`` have to be our own, as their text is trusted."""

    async def ask(given: _Asked, _context: ToolContext) -> str:
        [found] = await bank.questions(checked_wish(given.category, given.difficulty, 1))
        options = "; ".join(found.options)
        return f"Question: {found.text} Options: {options}. Right answer: {found.answer}."

    async def draw(given: _Drawn, _context: ToolContext) -> str:
        _, first, second = await dilemmas.drawn(given.theme)
        return f"Would you rather {first} or {second}?"

    return [
        ToolSpec(
            name="trivia_question",
            area="games",
            description=(
                "Gives one quiz question with four options and its right answer. Ask it without "
                "telling the answer."
            ),
            parameters=_Asked,
            handler=ask,
            keywords=("trivia", "quiz", "question", "riddle", "frage", "quizfrage", "rätsel"),
            untrusted=False,
        ),
        ToolSpec(
            name="would_you_rather",
            area="games",
            description="Gives a would-you-rather question to ask people.",
            parameters=_Drawn,
            handler=draw,
            keywords=("rather", "dilemma", "game", "bored", "lieber", "spiel", "langweilig"),
            untrusted=False,
        ),
    ]
