"""The questions and dilemmas that are shipped."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from services.domain.calls import ToolCall
from services.domain.errors import InvalidRequest
from services.domain.ids import PersonaId, TurnId
from services.domain.people import Role
from services.games.dilemmas import THEMES, Dilemmas, _shipped
from services.games.questions import (
    CATEGORIES,
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    Difficulty,
    QuestionBank,
    Wish,
    checked_wish,
)
from services.games.questions.bank import _shipped as shipped_questions
from services.games.tools import game_tools
from services.toolbox.spec import ToolContext
from services.toolbox.toolbox import Toolbox
from tests.fakes.clock import ManualClock
from tests.fakes.games import HERE, SAM


def test_every_shipped_question_can_be_asked():
    rows = shipped_questions()
    assert len(rows) >= 240
    assert min(Counter(row[0] for row in rows).values()) >= 20
    assert len({row[2] for row in rows}) == len(rows), "no question comes twice"
    for _, _, text, right, wrong in rows:
        options = [right, *wrong]
        assert len(wrong) == 3
        assert len({one.casefold() for one in options}) == 4, text
        assert text.endswith("?")
        assert len(text) <= LONGEST_QUESTION
        assert all(0 < len(one) <= LONGEST_ANSWER for one in options), text


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("difficulty", Difficulty)
async def test_each_kind_can_be_wished_for(category, difficulty):
    wish = Wish(count=5, category=category, difficulty=difficulty)
    found = await QuestionBank(random.Random(4)).questions(wish)
    assert len({one.text for one in found}) == 5
    assert {(one.category, one.difficulty) for one in found} == {(category, difficulty)}


async def test_the_right_answer_is_not_always_in_one_place():
    found = await QuestionBank(random.Random(7)).questions(Wish(count=20))
    assert len({one.right for one in found}) == 4


@pytest.mark.parametrize(
    ("category", "difficulty", "count"),
    [("cooking", "", 5), ("", "impossible", 5), ("", "", 0), ("", "", 21), ("x" * 10**6, "", 5)],
)
def test_wishes_that_cannot_be_served_are_refused(category, difficulty, count):
    with pytest.raises(InvalidRequest) as refused:
        checked_wish(category, difficulty, count)
    assert len(refused.value.user_message) < 200


def test_there_are_sixty_dilemmas_of_two_different_things():
    shipped = _shipped()
    assert sum(map(len, shipped.values())) >= 60
    for theme in THEMES:
        for first, second in shipped[theme]:
            assert first != second
            assert len(first) <= 80, "it has to fit a button"
            assert len(second) <= 80, "it has to fit a button"


async def test_characters_can_ask_small_questions():
    rng = random.Random(3)
    dilemmas = Dilemmas(database=None, clock=ManualClock(), rng=rng)  # type: ignore[arg-type]
    toolbox = Toolbox([game_tools(QuestionBank(rng), dilemmas)])
    context = ToolContext(
        conversation=HERE, persona=PersonaId("p"), turn=TurnId("t"), asker=SAM, role=Role.MEMBER
    )

    async def run(name, **arguments):
        return await toolbox.run(
            ToolCall(id="1", name=name, arguments=arguments), context, limit=1000
        )

    asked = await run("trivia_question", category="music", difficulty="hard")
    assert "Right answer" in asked.content
    assert (await run("would_you_rather", theme="food")).content.startswith("Would you rather ")
    assert (await run("trivia_question", category="x" * 10**6)).is_error
    assert (await run("would_you_rather", theme=["food"])).is_error
