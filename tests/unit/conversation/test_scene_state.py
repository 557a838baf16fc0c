"""What turns do to variables, and how it is taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.conversation.scene_state import (
    LastTurn,
    SceneState,
    SceneStates,
    changed,
    changes,
    taken_back,
)
from services.conversation.turn_variables import variables_of
from services.domain.ids import ConversationId, PersonaId, TurnId
from services.domain.replies import TurnBrief, TurnKind
from services.persona.character import Character, Persona
from services.persona.lore.effects import NO_EFFECTS
from tests.fakes.app import opened_app
from tests.fakes.scripted_model import ScriptedModel

MIRA = Persona(id=PersonaId("mira"), slug="mira", version="1", character=Character(name="Mira"))
PLACE = ConversationId("test", "local", "main")
VARIABLES = st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(0, 3), st.just("x")))


@given(before=VARIABLES, after=VARIABLES)
def test_changes_can_be_made_and_taken_back(
    before: dict[str, int | str], after: dict[str, int | str]
) -> None:
    made = changes(before, after)
    assert changed(before, made) == after
    assert taken_back(after, made) == before


def test_what_has_changed_since_stays() -> None:
    made = changes({"a": 1}, {"a": 2, "b": 1})
    assert taken_back({"a": 7, "b": 1, "c": 3}, made) == {"a": 7, "c": 3}


async def test_the_last_turn_is_remembered_over_a_restart(tmp_path: Path) -> None:
    last = LastTurn(seen="m1", local={"n": (None, 1), "gone": ("x", None)}, shared={"g": (1, 2.5)})
    state = SceneState(variables={"n": 1}, last=last)
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        states: SceneStates = app.factory.states()
        await states.keep(PLACE, PersonaId("mira"), state)
        await states.keep_shared({"g": (1, 2.5)})
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        states = app.factory.states()
        assert await states.of(PLACE, PersonaId("mira")) == state
        assert await states.shared() == {"g": 2.5}


def brief(kind: TurnKind) -> TurnBrief:
    return TurnBrief(
        turn=TurnId("t"),
        conversation=PLACE,
        persona=MIRA.id,
        persona_name="Mira",
        kind=kind,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def test_what_an_answer_given_anew_does_not_set_again_is_gone(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        states = app.factory.states()
        await states.keep_shared({"old": (None, 5)})
        first = await variables_of(states, brief(TurnKind.REPLY), MIRA, ())
        first.local["met"] = first.shared["visits"] = 1
        await first.keep(states, brief(TurnKind.REPLY), NO_EFFECTS)
        again = await variables_of(states, brief(TurnKind.REGENERATE), MIRA, ())
        assert (again.local, again.shared) == ({}, {"old": 5})
        await states.keep_shared({"elsewhere": (None, 9)})
        await again.keep(states, brief(TurnKind.REGENERATE), NO_EFFECTS)
        assert await states.shared() == {"old": 5, "elsewhere": 9}
        assert (await states.of(PLACE, MIRA.id)).variables == {}


async def test_another_turn_begins_with_what_the_last_one_left(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        states = app.factory.states()
        first = await variables_of(states, brief(TurnKind.REPLY), MIRA, ())
        first.local["met"] = 1
        await first.keep(states, brief(TurnKind.REPLY), NO_EFFECTS)
        for kind in (TurnKind.REPLY, TurnKind.CONTINUE, TurnKind.INITIATIVE):
            later = await variables_of(states, brief(kind), MIRA, ())
            assert later.local == {"met": 1}
