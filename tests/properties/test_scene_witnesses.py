"""Whatever comes and goes: no character is told what was said while it was away."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from services.conversation.scenes import CardMode
from services.domain.errors import InvalidRequest, NotFound
from services.domain.people import Role
from services.llm.model import ChatRequest
from services.persona.activation import Activation
from tests.fakes.app import KIM, PLACE, SAM, opened_app
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.troupe import NAMES, Stage, cast_settings

SLUGS = [name.lower() for name in NAMES]


class Comings(RuleBasedStateMachine):
    """Plays random scripts; ``known`` holds, per character, the words it was there to hear."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.closing = AsyncExitStack()
        self.words = (f"w{number}x" for number in itertools.count())
        self.answers = (f"a{number}x" for number in itertools.count())
        self.members: list[str] = []
        self.chosen = "ann"
        self.known: dict[str, set[str]] = {slug: set() for slug in SLUGS}
        self.seen = 0
        self.private = False

    @initialize(layout=st.sampled_from(["cache", "sillytavern"]), cards=st.sampled_from(CardMode))
    def open(self, layout: str, cards: CardMode) -> None:
        folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))
        model = ScriptedModel(self.answer)
        sections: dict[str, Any] = cast_settings(folder) | {
            "conversation": {"layout": layout, "history_messages": 100},
            "gate": {"user_limit": 10_000, "channel_limit": 10_000},
        }
        app = self.run(self.closing.enter_async_context(opened_app(folder, model, **sections)))
        self.play = Stage(app)
        self.run(self.play.change(cards=cards, mode=Activation.LIST))

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def answer(self, _request: ChatRequest) -> str:
        """Say something new, which whoever heard the question hears."""
        word = next(self.answers)
        self.hear(word)
        self.known[self.play.delivery.briefs[-1].persona].add(word)
        return word

    def hear(self, word: str) -> None:
        for slug in self.hearing():
            self.known[slug].add(word)

    def hearing(self) -> list[str]:
        if self.members:
            return self.members
        return [self.chosen] if self.private else SLUGS

    @rule(slug=st.sampled_from(SLUGS))
    def join(self, slug: str) -> None:
        self.run(self.play.change(join=slug))
        if slug not in self.members:
            self.members.append(slug)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        slug = data.draw(st.sampled_from(self.members))
        self.run(self.play.change(leave=slug))
        self.members.remove(slug)

    @precondition(lambda self: not self.members)
    @rule(slug=st.sampled_from(SLUGS))
    def choose(self, slug: str) -> None:
        core = self.play.app.conversations
        self.run(core.choose_persona(PLACE, slug, by=SAM, role=Role.OWNER))
        self.chosen = slug

    @rule(by=st.sampled_from([SAM, KIM]), private=st.booleans())
    def say(self, by: Any, private: bool) -> None:
        word = next(self.words)
        self.private = private
        self.hear(word)
        called = "" if private or self.members else f"{self.chosen}, "
        before = len(self.play.delivery.briefs)
        self.run(self.play.say(f"{called}{word}", by=by, private=private))
        answers = self.play.prompts()[before:]
        assert [persona for persona, _ in answers] == (self.members or [self.chosen])
        for _, prompt in answers:
            assert any(word in content for _, content in prompt)

    @rule()
    def murmur(self) -> None:
        """Say something aside, which is stored nowhere and still remembered for a while."""
        word = next(self.words)
        self.private = False
        self.hear(word)
        self.run(self.play.say(word, to=KIM.id))

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        slug = data.draw(st.sampled_from(self.members))
        self.run(self.play.speak(slug))

    @rule()
    def regenerate(self) -> None:
        core = self.play.app.conversations

        async def again() -> None:
            receipt = await core.regenerate(PLACE, self.play.delivery, by=SAM)
            await receipt.outcome()

        try:
            self.run(again())
        except NotFound:
            assert self.last_was_a_person()

    @rule()
    def go_on(self) -> None:
        core = self.play.app.conversations

        async def further() -> None:
            receipt = await core.continue_reply(PLACE, self.play.delivery, by=SAM)
            await receipt.outcome()

        try:
            self.run(further())
        except NotFound:
            assert self.last_was_a_person()
        except InvalidRequest:
            assert not self.last_was_a_person()

    def last_was_a_person(self) -> bool:
        entries = self.run(self.play.app.conversations.recent(PLACE, 1))
        return not entries or entries[-1].message.author.persona is None

    @invariant()
    def nobody_is_told_what_it_did_not_hear(self) -> None:
        if not hasattr(self, "play"):
            return
        for index in range(self.seen, len(self.play.delivery.briefs)):
            persona, prompt = self.play.prompts()[index]
            words = {
                word
                for _, content in prompt
                for word in content.replace(":", " ").replace(",", " ").split()
                if word[:1] in "wa" and word.endswith("x") and word[1:-1].isdigit()
            }
            assert words <= self.known[persona], (persona, words - self.known[persona])
        self.seen = len(self.play.delivery.briefs)

    def teardown(self) -> None:
        if hasattr(self, "play"):
            self.play.spoke()  # each turn has its one terminal
            self.run(self.closing.aclose())
        self.runner.close()


Comings.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestComings = pytest.mark.timeout(240)(Comings.TestCase)
