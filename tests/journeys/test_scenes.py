"""Several characters and several people in one conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.conversation.inbound import Outcome, Receipt
from services.conversation.jobs import Initiative
from services.conversation.scenes import MOST_MEMBERS, CardMode, SceneChange, SceneMemory
from services.conversation.turn import Turn
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import ConversationId, PersonaId, TurnId
from services.domain.people import Role
from services.domain.replies import (
    Delivery,
    InterruptReason,
    TurnBrief,
    TurnKind,
    TurnStarted,
)
from services.llm.model import ChatRequest
from services.persona.activation import Activation
from tests.fakes.app import KIM, PLACE, SAM, opened_app
from tests.fakes.scripted_model import Script, ScriptedModel
from tests.fakes.troupe import Stage, cast_settings


def numbered() -> Callable[[ChatRequest], str]:
    count = iter(range(1, 1000))
    return lambda _request: f"Answer {next(count)}."


@asynccontextmanager
async def stage(
    folder: Path, model: ScriptedModel | None = None, cards: Any = None, **sections: Any
) -> AsyncIterator[Stage]:
    settings = cast_settings(folder, **(cards or {})) | sections
    async with opened_app(folder, model or ScriptedModel(numbered()), **settings) as app:
        yield Stage(app)


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not met():  # noqa: ASYNC110  what is waited for happens inside the application
            await asyncio.sleep(0.005)


def said(prompt: list[tuple[str, str]]) -> str:
    return "\n".join(content for _, content in prompt)


# -- taking turns


async def test_named_characters_answer_in_the_order_of_their_names(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben", "cleo")
        outcome = await play.say("Cleo, and then Ann: what is for tea?")
        assert play.spoke() == ["Cleo", "Ann"]
        assert [terminal.kind for terminal in outcome.terminals] == ["turn_finished"] * 2
        assert [brief.hop for brief in play.delivery.briefs] == [1, 2]
        second = play.prompts()[1][1]
        assert ("user", "Sam: Cleo, and then Ann: what is for tea?") in second
        assert ("assistant", "Cleo: Answer 1.") in second
        places = [content for _, content in second]
        assert places.index("Cleo: Answer 1.") > places.index(
            "Sam: Cleo, and then Ann: what is for tea?"
        )


async def test_a_silent_scene_stores_what_is_said_and_says_why_nobody_answers(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben")
        outcome = await play.say("hm")
        assert outcome.withheld is not None
        assert outcome.withheld.reason == "scene_quiet"
        assert await play.app.history() == [("sam", "hm")]


async def test_the_talkative_join_in_and_one_always_does(tmp_path: Path) -> None:
    loud = {"extensions": {"talkativeness": "1.0"}}
    async with stage(tmp_path, cards={"ben": loud}) as play:
        await play.enter("ann", "ben", "cleo")
        await play.say("Cleo?")
        await play.say("hm")
        assert play.spoke() == ["Cleo", "Ben", "Ben"]


async def test_a_character_outside_the_scene_is_not_woken_by_its_name(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben")
        outcome = await play.say("Dov, are you there?")
        assert outcome.withheld is not None
        assert play.spoke() == []


async def test_a_list_answers_in_order_with_the_prompt_of_each(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("cleo", "ann", "ben", mode=Activation.LIST)
        await play.say("hello all")
        assert play.spoke() == ["Cleo", "Ann", "Ben"]
        for persona, prompt in play.prompts():
            assert prompt[0][1].startswith(f"You are {persona.title()}.")
            assert prompt[-1] == (
                "system",
                f"Write the next message of {persona.title()}, and of nobody else.",
            )
            assert any("Taking part: Cleo, Ann, Ben." in content for _, content in prompt)


async def test_a_pool_goes_round_before_anybody_speaks_twice(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben", "cleo", mode=Activation.POOLED)
        await play.say("go on")
        await play.speak()
        await play.speak()
        assert sorted(play.spoke()) == ["Ann", "Ben", "Cleo"]


async def test_by_hand_only_who_is_asked_speaks(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben", mode=Activation.MANUAL)
        outcome = await play.say("Ann, Ben, anybody?")
        assert outcome.withheld is not None
        await play.speak("ben")
        await play.speak("Ben")
        assert play.spoke() == ["Ben", "Ben"]
        with pytest.raises(NotFound, match="Ann, Ben"):
            await play.speak("cleo")
        last = play.prompts()[-1][1]
        assert [content for role, content in last if role != "system"] == [
            "Sam: Ann, Ben, anybody?",
            "Ben: Answer 1.",
        ]


async def test_nobody_answers_itself_unless_the_scene_lets_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", mode=Activation.LIST)
        await play.say("hi")
        with pytest.raises(NotFound):
            await play.speak()
        await play.change(self_reply=True)
        await play.speak()
        assert play.spoke() == ["Ann", "Ann"]


async def test_what_two_people_say_to_each_other_is_not_for_the_scene(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", mode=Activation.LIST)
        outcome = await play.say("did you lock up?", to=KIM.id)
        assert outcome.withheld is not None
        assert outcome.withheld.reason == "no_trigger"
        await play.say("yes I did", by=KIM)
        assert play.spoke() == ["Ann"]


async def test_a_person_stops_the_whole_group(tmp_path: Path) -> None:
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Second.", hold=hold), "Third."])
    async with stage(tmp_path, model) as play:
        await play.enter("ann", "ben", "cleo", mode=Activation.LIST)
        async with asyncio.TaskGroup() as group:
            saying = group.create_task(play.say("hello"))
            await until(lambda: len(model.requests) == 2)
            assert play.app.conversations.stop(PLACE, InterruptReason.USER_STOP)
        outcome = saying.result()
        assert [terminal.kind for terminal in outcome.terminals] == [
            "turn_finished",
            "turn_interrupted",
        ]
        assert len(model.requests) == 2


async def test_going_on_before_the_second_speaks_does_not_make_the_first_repeat_itself(
    tmp_path: Path,
) -> None:
    hold = asyncio.Event()
    model = ScriptedModel(["First.", Script(text="Late.", hold=hold), "Second."])
    async with stage(tmp_path, model) as play:
        await play.enter("ann", "ben")
        async with asyncio.TaskGroup() as group:
            group.create_task(play.say("Ann and Ben, tea?"))
            await until(lambda: len(model.requests) == 2)
            await play.say("Ben, or coffee?")
        ended = [(turn[0], turn[-1].kind) for turn in play.delivery.turns()]
        finished = [
            first.persona_name
            for first, kind in ended
            if isinstance(first, TurnStarted) and kind == "turn_finished"
        ]
        assert finished == ["Ann", "Ben"]


# -- coming and going


async def test_scenes_are_changed_by_moderators_or_in_private(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        core, join = play.app.conversations, SceneChange(join="ben")
        with pytest.raises(NotAllowed):
            await core.change_scene(PLACE, join, by=KIM, role=Role.MEMBER)
        assert not (await core.scene(PLACE)).open
        cast = await core.change_scene(PLACE, join, by=KIM, role=Role.MEMBER, private=True)
        assert [one.name for one in cast.members] == ["Ben"]
        with pytest.raises(NotAllowed):
            await core.speak(PLACE, "ben", play.delivery, by=KIM, role=Role.GUEST)


async def test_a_blocked_person_changes_nothing_even_in_private(tmp_path: Path) -> None:
    async with stage(tmp_path, gate={"blocked": ["test:kim"]}) as play:
        with pytest.raises(NotAllowed):
            await play.app.conversations.change_scene(
                PLACE, SceneChange(join="ben"), by=KIM, role=Role.MEMBER, private=True
            )


async def test_a_scene_outlives_the_process_and_has_a_limit(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "Ben", cards=CardMode.JOIN, memory=SceneMemory.SHARED)
        await play.change(join="ann")
    settings: dict[str, Any] = {"persona": {"characters": tmp_path / "cards", "default": "ann"}}
    async with opened_app(tmp_path, ScriptedModel("Yes."), **settings) as app:
        cast = await app.conversations.scene(PLACE)
        assert [one.name for one in cast.members] == ["Ann", "Ben"]
        assert (cast.scene.cards, cast.scene.memory) == (CardMode.JOIN, SceneMemory.SHARED)
        with pytest.raises(InvalidRequest, match="scene is open"):
            await app.conversations.choose_persona(PLACE, "cleo", by=SAM, role=Role.OWNER)


async def test_a_ninth_character_finds_the_scene_full(tmp_path: Path) -> None:
    async with opened_app(tmp_path, ScriptedModel("Yes.")) as app:
        play = Stage(app)
        slugs = [one.slug for one in app.factory.library().all()]
        if len(slugs) <= MOST_MEMBERS:
            pytest.skip("fewer characters are installed than a scene holds")
        await play.enter(*slugs[:MOST_MEMBERS])
        with pytest.raises(InvalidRequest, match="8 characters"):
            await play.change(join=slugs[MOST_MEMBERS])


# -- what is known


async def test_a_newcomer_knows_nothing_of_what_was_said_before(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.say("The code is walrus.", private=True)
        await play.enter("ann", "ben", mode=Activation.LIST)
        await play.say("Good evening.")
        (_, alone), (_, ann), (_, ben) = play.prompts()
        assert "walrus" in said(alone)
        assert "walrus" in said(ann)
        assert "walrus" not in said(ben)
        assert "Answer 1." not in said(ben)
        why = await play.app.conversations.why(PLACE)
        assert why is not None
        assert "walrus" not in "\n".join(why.lines())


async def test_who_leaves_misses_what_is_said_until_it_is_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben", mode=Activation.LIST)
        await play.say("apple")
        await play.change(leave="ben")
        await play.say("birch")
        await play.change(join="ben")
        await play.say("cedar")
        prompt = said(play.prompts()[-1][1])
        assert play.prompts()[-1][0] == "ben"
        assert "apple" in prompt
        assert "birch" not in prompt
        assert "cedar" in prompt


async def test_a_shared_memory_tells_everybody_everything(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", mode=Activation.LIST)
        await play.say("apple")
        await play.enter("ben", memory=SceneMemory.SHARED)
        await play.say("birch")
        assert "apple" in said(play.prompts()[-1][1])


async def test_another_character_is_not_told_what_was_said_in_private(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.say("The code is walrus.", private=True)
        await play.app.conversations.choose_persona(PLACE, "ben", by=SAM, role=Role.OWNER)
        await play.say("Hello.", private=True)
        assert "walrus" not in said(play.prompts()[-1][1])


async def test_in_the_open_every_character_hears(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.say("Ann, the code is walrus.")
        await play.say("Ben, what is the code?")
        prompt = play.prompts()[-1][1]
        assert "walrus" in said(prompt)
        assert "Answer 1." in said(prompt)


async def test_lore_is_not_woken_by_what_a_character_did_not_hear(tmp_path: Path) -> None:
    book = {"entries": [{"keys": ["walrus"], "content": "LORE OF TUSKS", "enabled": True,
                         "insertion_order": 1, "use_regex": False, "extensions": {}}]}  # fmt: skip
    cards = {"ben": {"character_book": book}}
    async with stage(tmp_path, cards=cards, lore={"scan_depth": 10}) as play:
        await play.enter("ann", mode=Activation.LIST)
        await play.say("The code is walrus.")
        await play.change(join="ben")
        await play.say("Good evening.")
        assert "LORE OF TUSKS" not in said(play.prompts()[-1][1])
        await play.say("walrus it is")
        assert "LORE OF TUSKS" in said(play.prompts()[-1][1])


async def test_reading_ahead_shows_the_model_nothing_it_must_not_know(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", mode=Activation.LIST)
        await play.say("walrus")
        await play.change(leave="ann")
        await play.change(join="ben")
        model = play.app.model
        assert isinstance(model, ScriptedModel)
        before = len(model.requests)
        play.app.conversations.prefill(PLACE, by=SAM)
        await until(lambda: len(model.requests) > before)
        await asyncio.sleep(0.05)
        for request in model.requests[before:]:
            assert not any("walrus" in message.content for message in request.messages)


async def test_an_answer_given_anew_in_a_scene_keeps_its_witnesses(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ann", "ben")
        await play.say("Ann?")
        receipt = await play.app.conversations.regenerate(PLACE, play.delivery, by=SAM)
        await receipt.outcome()
        entries = await play.app.conversations.recent(PLACE, 10)
        assert {"ann", "ben"} <= {str(one) for one in entries[-1].witnesses}
        assert entries[0].witnesses <= entries[-1].witnesses | {SAM.id}


async def test_only_members_speak_unasked_and_only_members_hear_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        app = play.app

        async def reach(_place: ConversationId) -> Delivery | None:
            return play.delivery

        app.factory.deliveries().register("test", reach)
        await play.enter("ann", "ben")

        async def initiated(who: str) -> Outcome:
            initiative = Initiative(
                conversation=PLACE, persona=PersonaId(who), instruction="Say good evening."
            )
            return await (await app.conversations.initiate(initiative)).outcome()

        outsider = await initiated("cleo")
        assert outsider.withheld is not None
        assert outsider.withheld.reason == "not_in_scene"
        assert (await initiated("ann")).terminals
        [entry] = await app.conversations.recent(PLACE, 5)
        assert {"ann", "ben"} == {one for one in entry.witnesses if isinstance(one, str)}


async def test_words_saved_from_a_crash_keep_their_witnesses(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        factory = play.app.factory
        persona = factory.library().find("ann")
        brief = TurnBrief(
            turn=TurnId("01CRASH"),
            conversation=PLACE,
            persona=persona.id,
            persona_name=persona.name,
            kind=TurnKind.INITIATIVE,
            started_at=factory.clock().now(),
        )
        turn = Turn(
            brief=brief,
            persona=persona,
            delivery=play.delivery,
            history=(),
            witnesses=frozenset({SAM.id, persona.id}),
        )
        await factory.ledger().open(turn)
        await factory.ledger().checkpoint(turn, "The code is walrus. ", 1)
        assert await factory.ledger().recover() == 1
        [entry] = await play.app.conversations.recent(PLACE, 5)
        assert entry.witnesses == {SAM.id, "ann"}
        await play.say("Ben, what did she say?")
        assert "walrus" not in said(play.prompts()[-1][1])


# -- prompts


async def test_joined_cards_begin_every_members_prompt_with_the_same_words(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ben", "ann", mode=Activation.LIST, cards=CardMode.JOIN)
        await play.say("one")
        await play.say("two")
        first, second, third, _ = (prompt for _, prompt in play.prompts())
        assert first[0][1].startswith(
            "Several characters take part in this conversation: Ben, Ann."
        )
        assert first[1][1] == (
            "About Ben: Ben is the ben-keeper, a friend of Sam.\n"
            "About Ann: Ann is the ann-keeper, a friend of Sam."
        )
        # All but the note that says whose turn it is goes on unchanged from turn to turn.
        assert second[: len(first) - 1] == first[:-1]
        assert third[: len(second) - 1] == second[:-1]


async def test_joined_cards_keep_what_is_the_speakers_own_behind_the_history(
    tmp_path: Path,
) -> None:
    cards = {
        "ann": {"system_prompt": "Ann whispers.", "personality": "sweet",
                "extensions": {"talkativeness": 0, "acore": {"verbosity": 80}}},
        "ben": {"personality": "sour", "mes_example": "<START>\n{{char}}: Lemons."},
    }  # fmt: skip
    async with stage(tmp_path, cards=cards) as play:
        await play.enter("ben", "ann", mode=Activation.LIST, cards=CardMode.JOIN)
        await play.say("one")
        (_, ben), (_, ann) = play.prompts()
        assert ben[: len(ben) - 1] == ann[: len(ben) - 1]
        assert "Ann whispers." not in said(ben)
        assert ("system", "Ben's personality: sour\nAnn's personality: sweet") in ben
        assert any("Ben: Lemons." in content for _, content in ann)
        own = [content for _, content in ann[-3:]]
        assert own[0] == "Ann whispers."
        assert "about 60 words" in own[1]
        assert own[2] == "Write the next message of Ann, and of nobody else."


@pytest.mark.parametrize(("cards", "told"), [(CardMode.JOIN, True), (CardMode.SWAP, False)])
async def test_joined_cards_bring_the_books_of_all_members(
    tmp_path: Path, cards: CardMode, told: bool
) -> None:
    book = {"entries": [{"keys": ["walrus"], "content": "LORE OF TUSKS", "enabled": True,
                         "insertion_order": 1, "use_regex": False, "extensions": {}}]}  # fmt: skip
    async with stage(tmp_path, cards={"ben": {"character_book": book}}) as play:
        await play.enter("ann", "ben", mode=Activation.LIST, cards=cards)
        await play.say("A walrus!")
        (_, ann), (_, ben) = play.prompts()
        assert ("LORE OF TUSKS" in said(ann)) is told
        assert said(ben).count("LORE OF TUSKS") == 1


async def test_swapped_cards_show_only_the_speakers(tmp_path: Path) -> None:
    async with stage(tmp_path) as play:
        await play.enter("ben", "ann", mode=Activation.LIST)
        await play.say("one")
        (_, ben), (_, ann) = play.prompts()
        assert "ann-keeper" not in said(ben)
        assert "ben-keeper" not in said(ann)


async def test_the_sillytavern_layout_knows_groups_too(tmp_path: Path) -> None:
    cards = {"ben": {"personality": "sour", "mes_example": "<START>\n{{char}}: Lemons."},
             "ann": {"personality": "sweet"}}  # fmt: skip
    layout = {"layout": "sillytavern"}
    async with stage(tmp_path, cards=cards, conversation=layout) as play:
        await play.enter("ben", "ann", mode=Activation.LIST)
        await play.say("one")
        ben = play.prompts()[0][1]
        assert ("user", "Sam: one") in ben
        assert any("Taking part: Ben, Ann." in content for _, content in ben)
        assert ben[-1][1] == "Write the next message of Ben, and of nobody else."
        assert "sweet" not in said(ben)
        await play.change(cards=CardMode.JOIN)
        await play.say("two")
        ann = said(play.prompts()[-1][1])
        assert "sour\nsweet" in ann
        assert "Ben is the ben-keeper" in ann
        assert "Lemons." in ann


async def test_group_macros_name_everybody(tmp_path: Path) -> None:
    cards = {"ann": {"description": "G={{group}} C={{charIfNotGroup}}."}}
    async with stage(tmp_path, cards=cards) as play:
        await play.say("hi", private=True)
        assert ("system", "G=Ann C=Ann.") in play.prompts()[0][1]
        await play.enter("ann", "ben")
        await play.say("Ann?")
        assert ("system", "G=Ann, Ben C=Ann, Ben.") in play.prompts()[-1][1]


async def test_a_reply_ends_before_it_speaks_for_another_member(tmp_path: Path) -> None:
    async with stage(tmp_path, ScriptedModel("Ann: Gladly.\nBen: And I say no.")) as play:
        await play.enter("ann", "ben")
        await play.say("Ann?")
        assert play.delivery.sink.text.strip() == "Gladly."


# -- greetings


async def test_group_greetings_are_swipes_only_in_a_group(tmp_path: Path) -> None:
    cards = {
        "ann": {"alternate_greetings": ["Alt, {{user}}."], "group_only_greetings": ["Hi all."]}
    }
    async with stage(tmp_path, cards=cards) as play:
        core = play.app.conversations
        ann = await core.persona_of(PLACE)

        async def greetings() -> list[str]:
            first = await core.greet(PLACE, ann, author=SAM)
            assert first is not None
            shown = [first.text]
            for _ in range(3):
                swiped = await core.swipe(PLACE, 1, play.delivery, by=SAM)
                if isinstance(swiped, Receipt):
                    await swiped.outcome()
                    break
                shown.append(swiped.entries[swiped.active].text)
            return shown

        assert await greetings() == ["I am Ann, Sam.", "Alt, Sam."]
        await core.reset(PLACE, by=SAM)
        await play.enter("ann", "ben")
        assert await greetings() == ["I am Ann, Sam.", "Alt, Sam.", "Hi all."]
        entries = await core.recent(PLACE, 1)
        assert "ben" in entries[0].witnesses
