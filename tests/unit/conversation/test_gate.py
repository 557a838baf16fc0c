"""Every reason of the gate, and what it costs to ask it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import count

import pytest

from services.conversation.gate import Gate, Undecided
from services.conversation.inbound import Addressing, Decision, Fired, Inbound, Withheld
from services.conversation.triggers import GateOverrides
from services.domain.errors import ProviderError, ProviderFault
from services.domain.ids import AuthorId, ConversationId, MessageId, PersonaId
from services.domain.messages import BlobPart, Message, Part, TextPart
from services.domain.people import Author, AuthorKind, Role
from services.persona.character import Character, Persona
from services.settings import GateSettings
from tests.fakes.clock import ManualClock
from tests.fakes.recording import RecordingDelivery

MIRA = Persona(
    id=PersonaId("mira"), slug="mira", version="1", character=Character(name="Mira Stone")
)
ROB = Persona(id=PersonaId("rob"), slug="rob", version="1", character=Character(name="Rob"))
BOTH = [MIRA, ROB]
ROOM = ConversationId("discord", "1", "2")
NUMBERS = count()


def inbound(
    text: str = "so it goes",
    *,
    user: str = "ann",
    kind: AuthorKind = AuthorKind.HUMAN,
    persona: PersonaId | None = None,
    hop: int = 0,
    place: ConversationId = ROOM,
    role: Role = Role.MEMBER,
    addressing: Addressing | None = None,
    parts: tuple[Part, ...] | None = None,
    **rest: object,
) -> Inbound:
    message = Message(
        id=MessageId(f"m{next(NUMBERS)}"),
        conversation=place,
        author=Author(
            id=AuthorId(place.platform, user), display_name=user, kind=kind, persona=persona
        ),
        parts=(TextPart(text=text),) if parts is None else parts,
        created_at=ManualClock().now(),
        hop=hop,
        **rest,  # type: ignore[arg-type]
    )
    return Inbound(
        message=message,
        delivery=RecordingDelivery(),
        addressing=addressing or Addressing(),
        role=role,
    )


class Judge:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self, answer: bool | Exception = True) -> None:
        self.answer = answer
        self.asked: list[tuple[str, list[str]]] = []
        self.heard = asyncio.Event()
        self.thinks = asyncio.Event()
        self.thinks.set()

    async def should_answer(self, message: Message, recent: Sequence[Message], /) -> bool:
        self.asked.append((message.text, [one.text for one in recent]))
        self.heard.set()
        await self.thinks.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Chance(random.Random):
    """Draws one value for ever."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        return self.value


def gate(
    clock: ManualClock | None = None,
    *,
    judge: Judge | None = None,
    chance: float = 0.0,
    **settings: object,
) -> Gate:
    return Gate(
        GateSettings.model_validate(settings),
        clock=clock or ManualClock(),
        rng=Chance(chance),
        judge=judge,
    )


def fired(decision: Decision | Undecided) -> Fired:
    assert isinstance(decision, Fired), decision
    return decision


def withheld(decision: Decision | Undecided) -> Withheld:
    assert isinstance(decision, Withheld), decision
    return decision


def to(*mentions: str, reply: str | None = None, private: bool = False) -> Addressing:
    return Addressing(
        mentions=frozenset(PersonaId(one) for one in mentions),
        replies_to=PersonaId(reply) if reply else None,
        private=private,
    )


ALL = ("mention", "reply", "private", "name", "keyword", "contextual", "ambient")


@pytest.mark.parametrize(
    ("addressing", "text", "trigger", "personas"),
    [
        (to("mira", reply="rob", private=True), "rob, pizza", "mention", ["mira"]),
        (to(reply="rob", private=True), "mira, pizza", "reply", ["rob"]),
        (to(private=True), "mira, pizza", "private", []),
        (to(), "rob and mira, pizza", "name", ["rob", "mira"]),
        (to(), "PIZZAS are great", "keyword", []),
        (to(), "so it goes", "contextual", []),
    ],
)
async def test_triggers_are_tried_in_order(
    addressing: Addressing, text: str, trigger: str, personas: list[str]
) -> None:
    asked = gate(judge=Judge(), triggers=ALL, keywords=("Pizza",))
    decision = fired(await asked.decide(inbound(text, addressing=addressing), present=BOTH))
    assert (decision.trigger, list(decision.personas)) == (trigger, personas)
    assert decision.reason


async def test_ambient_comes_last_and_needs_luck() -> None:
    lucky = gate(triggers=ALL, chance=0.04)
    assert fired(await lucky.decide(inbound(), present=BOTH)).trigger == "ambient"
    unlucky = gate(triggers=ALL, chance=0.05)
    assert withheld(await unlucky.decide(inbound(), present=BOTH)).reason == "chance"


def test_a_trigger_that_is_off_does_not_fire() -> None:
    asked = gate(triggers=("mention",))
    named = inbound("mira?", addressing=to(reply="rob", private=True))
    assert withheld(asked.consider(named, present=BOTH)).reason == "no_trigger"


@pytest.mark.parametrize("text", ["the robot", "computer science", "a scavenger", "a toadstool"])
def test_a_name_inside_a_word_is_no_trigger(text: str) -> None:
    assert withheld(gate().consider(inbound(text), present=BOTH)).reason == "no_trigger"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (inbound("  \n", addressing=to("mira")), "empty"),
        (inbound("mira?", kind=AuthorKind.PERSONA, persona=PersonaId("rob")), "own_message"),
        (inbound("mira?", kind=AuthorKind.SYSTEM), "own_message"),
        (inbound("mira?", kind=AuthorKind.PERSONA, persona=PersonaId("rob"), hop=4), "hop_limit"),
        (inbound("mira?", kind=AuthorKind.BOT, hop=4), "hop_limit"),
        (inbound("mira?", kind=AuthorKind.BOT), "bot"),
        (inbound("mira?", user="eve"), "blocked"),
        (inbound("mira?", role=Role.GUEST), "role"),
        (inbound("what now"), "no_trigger"),
    ],
)
def test_each_refusal_has_its_code(said: Inbound, reason: str) -> None:
    asked = gate(blocked=("discord:eve",))
    only_members = GateOverrides(minimum_role=Role.MEMBER)
    refused = withheld(asked.consider(said, present=BOTH, overrides=only_members))
    assert (refused.reason, refused.notify) == (reason, False)
    assert refused.detail


def test_a_block_holds_for_one_platform_only() -> None:
    asked = gate(blocked=("web:eve",))
    fired(asked.consider(inbound("mira?", user="eve"), present=BOTH))


def test_nobody_present() -> None:
    assert withheld(gate().consider(inbound("mira?"), present=[])).reason == "nobody_present"
    alone = inbound("mira", kind=AuthorKind.PERSONA, persona=PersonaId("mira"), hop=1)
    assert withheld(gate().consider(alone, present=[MIRA])).reason == "nobody_present"


def test_an_attachment_alone_is_something() -> None:
    picture = BlobPart(kind="image", sha256="0", media_type="image/png", name="a.png", size=1)
    fired(gate().consider(inbound(parts=(picture,), addressing=to("mira")), present=BOTH))


def test_a_message_delivered_twice_is_answered_once() -> None:
    asked = gate()
    said = inbound("mira?")
    fired(asked.consider(said, present=BOTH))
    assert withheld(asked.consider(said, present=BOTH)).reason == "duplicate"


def test_a_redelivery_under_a_new_id_is_known_by_the_platforms_own() -> None:
    asked = gate()
    fired(asked.consider(inbound("mira?", external_ids=("77",)), present=BOTH))
    again = asked.consider(inbound("mira?", external_ids=("77",)), present=BOTH)
    assert withheld(again).reason == "duplicate"
    elsewhere = ConversationId("discord", "1", "3")
    fired(asked.consider(inbound("mira?", external_ids=("77",), place=elsewhere), present=BOTH))


def test_humans_are_answered_even_with_no_hops_allowed() -> None:
    fired(gate(max_hops=0).consider(inbound("mira?"), present=BOTH))


def test_personas_answer_each_other_only_when_called_and_never_themselves() -> None:
    asked = gate(keywords=("pizza",))
    speaker = {"kind": AuthorKind.PERSONA, "persona": PersonaId("rob"), "user": "rob", "hop": 1}
    called = fired(asked.consider(inbound("Mira and Rob?", **speaker), present=BOTH))  # type: ignore[arg-type]
    assert list(called.personas) == ["mira"]
    for said in (
        inbound("pizza", **speaker),  # type: ignore[arg-type]
        inbound("so", addressing=to(private=True), **speaker),  # type: ignore[arg-type]
        inbound("I am Rob", **speaker),  # type: ignore[arg-type]
    ):
        assert withheld(asked.consider(said, present=BOTH)).reason == "no_trigger"


def test_bots_are_answered_where_allowed() -> None:
    allowed = GateOverrides(answer_bots=True)
    bot = inbound("mira?", kind=AuthorKind.BOT)
    fired(gate().consider(bot, present=BOTH, overrides=allowed))


def test_a_cooldown_holds_per_place_and_ends() -> None:
    clock = ManualClock()
    asked = gate(clock, keywords=("pizza",), keyword_cooldown_seconds=30)
    fired(asked.consider(inbound("pizza"), present=BOTH))
    clock.advance(29)
    refused = withheld(asked.consider(inbound("pizza"), present=BOTH))
    assert (refused.reason, refused.retry_after) == ("cooldown", 1)
    elsewhere = ConversationId("discord", "1", "3")
    fired(asked.consider(inbound("pizza", place=elsewhere), present=BOTH))
    fired(asked.consider(inbound("mira, pizza"), present=BOTH))
    clock.advance(1)
    fired(asked.consider(inbound("pizza"), present=BOTH))


def test_a_released_decision_gives_cooldown_and_limit_back() -> None:
    asked = gate(keywords=("pizza",), user_limit=1)
    held = fired(asked.consider(inbound("pizza"), present=BOTH)).reservation
    assert held is not None
    held.release()
    fired(asked.consider(inbound("pizza"), present=BOTH))


def test_a_trigger_without_luck_gives_way_to_the_next() -> None:
    asked = gate(
        triggers=ALL,
        keywords=("pizza",),
        keyword_probability=0.3,
        ambient_probability=0.9,
        chance=0.5,
    )
    assert fired(asked.consider(inbound("pizza"), present=BOTH)).trigger == "ambient"


def test_a_persons_limit_counts_reservations_and_is_explained_once() -> None:
    clock = ManualClock()
    asked = gate(clock, user_limit=2, limit_window_seconds=60)
    held = [fired(asked.consider(inbound("mira?"), present=BOTH)).reservation for _ in "12"]
    first, second = (
        withheld(asked.consider(inbound("mira?"), present=BOTH)),
        withheld(asked.consider(inbound("mira?"), present=BOTH)),
    )
    assert (first.reason, first.retry_after, first.notify) == ("user_limit", 60, True)
    assert (second.reason, second.notify) == ("user_limit", False)
    fired(asked.consider(inbound("mira?", user="bob"), present=BOTH))
    for reservation in held:
        assert reservation is not None
        reservation.confirm()
    clock.advance(60)
    fired(asked.consider(inbound("mira?"), present=BOTH))


def test_a_channel_limit_holds_for_everybody_there_and_nowhere_else() -> None:
    asked = gate(channel_limit=1)
    fired(asked.consider(inbound("mira?"), present=BOTH))
    refused = withheld(asked.consider(inbound("mira?", user="bob"), present=BOTH))
    assert (refused.reason, refused.notify) == ("channel_limit", True)
    elsewhere = ConversationId("discord", "1", "3")
    fired(asked.consider(inbound("mira?", place=elsewhere), present=BOTH))


def test_a_refused_message_costs_no_place_in_any_limit() -> None:
    asked = gate(user_limit=1, channel_limit=1)
    for _ in range(5):
        withheld(asked.consider(inbound("nothing"), present=BOTH))
    fired(asked.consider(inbound("mira?"), present=BOTH))


def test_a_place_can_want_it_differently() -> None:
    asked = gate(triggers=("mention",), user_limit=1)
    place = GateOverrides(
        triggers=("keyword",), keywords=("pizza",), user_limit=2, blocked=("discord:eve",)
    )
    fired(asked.consider(inbound("pizza"), present=BOTH, overrides=place))
    paused = asked.consider(inbound("pizza"), present=BOTH, overrides=place)
    assert withheld(paused).reason == "cooldown"
    brisk = GateOverrides(
        triggers=("keyword",), keywords=("pizza",), user_limit=2, keyword_cooldown_seconds=0
    )
    fired(asked.consider(inbound("pizza"), present=BOTH, overrides=brisk))
    eve = asked.consider(inbound("pizza", user="eve"), present=BOTH, overrides=place)
    assert withheld(eve).reason == "blocked"
    assert withheld(asked.consider(inbound("pizza"), present=BOTH)).reason == "no_trigger"


@pytest.mark.parametrize(
    ("text", "addressing", "awake"),
    [
        ("so it goes", to("mira"), True),
        ("so it goes", to(reply="mira"), True),
        ("so it goes", to(private=True), True),
        ("mira?", to(), True),
        ("pizza", to(), False),
        ("so it goes", to(), False),
    ],
)
def test_in_quiet_hours_only_who_is_called_answers(
    text: str, addressing: Addressing, awake: bool
) -> None:
    asked = gate(triggers=ALL, keywords=("pizza",), ambient_probability=1.0)
    quiet = GateOverrides(quiet=True)
    decision = asked.consider(inbound(text, addressing=addressing), present=BOTH, overrides=quiet)
    assert isinstance(decision, Fired) is awake
    asked_again = asked.consider(inbound(text, addressing=addressing), present=BOTH)
    assert isinstance(asked_again, Fired | Undecided)


def test_where_nobody_listens_names_are_not_heard_and_nothing_is_overheard() -> None:
    asked = gate(triggers=ALL, keywords=("pizza",), ambient_probability=1.0)
    deaf = GateOverrides(listen=False, answer_bots=True)
    for text in ("mira?", "pizza", "so it goes"):
        decision = asked.consider(inbound(text), present=BOTH, overrides=deaf)
        assert withheld(decision).reason == "not_listening"
        assert asked.overheard(ROOM) == ()
    for addressing in (to("mira"), to(reply="rob"), to(private=True)):
        fired(asked.consider(inbound(addressing=addressing), present=BOTH, overrides=deaf))


async def test_the_judge_hears_what_was_overheard_before() -> None:
    judge = Judge(answer=False)
    asked = gate(judge=judge, triggers=("contextual",), contextual_cooldown_seconds=60)
    first = withheld(await asked.decide(inbound("one"), present=BOTH))
    judge.answer = True
    second = fired(await asked.decide(inbound("two"), present=BOTH))
    third = withheld(await asked.decide(inbound("three"), present=BOTH))
    assert (first.reason, second.trigger, third.reason) == (
        "judge_declined",
        "contextual",
        "cooldown",
    )
    assert judge.asked == [("one", []), ("two", ["one"])]


async def test_a_judge_that_fails_has_declined_and_costs_nothing() -> None:
    judge = Judge(ProviderError("ollama", ProviderFault.TIMEOUT, "Try again."))
    asked = gate(judge=judge, triggers=ALL, user_limit=1)
    assert withheld(await asked.decide(inbound(), present=BOTH)).reason == "judge_declined"
    fired(await asked.decide(inbound("mira?"), present=BOTH))


async def test_a_cancelled_judge_leaves_no_reservation() -> None:
    judge = Judge()
    judge.thinks.clear()
    asked = gate(judge=judge, triggers=ALL, user_limit=1)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(asked.decide(inbound(), present=BOTH))
        await judge.heard.wait()
        refused = asked.consider(inbound("mira?"), present=BOTH)
        assert withheld(refused).reason == "user_limit"
        waiting.cancel()
    fired(await asked.decide(inbound("mira?"), present=BOTH))


async def test_nobody_butts_in_between_two_people() -> None:
    judge = Judge()
    asked = gate(judge=judge, triggers=ALL)
    for said in (
        inbound("what do you think?", mentions=(AuthorId("discord", "bob"),)),
        inbound("I agree", reply_to=MessageId("earlier")),
    ):
        assert withheld(await asked.decide(said, present=BOTH)).reason == "no_trigger"
    assert judge.asked == []


def test_only_talk_to_nobody_is_overheard_for_an_hour_and_fifty_messages() -> None:
    clock = ManualClock()
    asked = gate(clock)
    asked.consider(inbound("mira?"), present=BOTH)
    for number in range(60):
        asked.consider(inbound(str(number)), present=BOTH)
    assert [one.text for one in asked.overheard(ROOM)] == [str(n) for n in range(10, 60)]
    assert asked.overheard(ConversationId("discord", "1", "3")) == ()
    clock.advance(3000)
    asked.consider(inbound("late"), present=BOTH)
    clock.advance(601)
    assert [one.text for one in asked.overheard(ROOM)] == ["late"]


def test_overheard_talk_can_be_forgotten() -> None:
    asked = gate()
    said = [inbound(text) for text in ("one", "two", "three")]
    for one in said:
        asked.consider(one, present=BOTH)
    asked.forget(ROOM, said[1].message.id)
    assert [one.text for one in asked.overheard(ROOM)] == ["one", "three"]
    asked.forget(ROOM)
    assert asked.overheard(ROOM) == ()


def test_overheard_places_and_lengths_are_bounded() -> None:
    asked = gate()
    places = [ConversationId("discord", "1", str(number)) for number in range(501)]
    for place in places:
        asked.consider(inbound(place=place), present=BOTH)
    assert asked.overheard(places[0]) == ()
    assert len(asked.overheard(places[1])) == 1
    asked.consider(inbound("x" * 50_000, place=places[1]), present=BOTH)
    assert len(asked.overheard(places[1])) == 1


@pytest.mark.parametrize("listen", [True, False])
def test_what_is_said_in_a_call_to_somebody_else_calls_nobody_whatever_it_says(listen: bool):
    eager = gate(
        keywords=["weather"], ambient_probability=1.0, triggers=["name", "keyword", "ambient"]
    )
    to_others = Addressing(heard=True)
    for text in ("Mira is nice.", "Fine weather today.", "So it goes."):
        decision = eager.consider(
            inbound(text, addressing=to_others),
            present=BOTH,
            overrides=GateOverrides(listen=listen),
        )
        assert withheld(decision).reason == "no_trigger"
    assert len(eager.overheard(ROOM)) == 3
    to_the_bot = inbound("So it goes.", addressing=Addressing(heard=True, private=True))
    decision = gate().consider(to_the_bot, present=BOTH, overrides=GateOverrides(listen=listen))
    assert fired(decision).trigger == "private"
