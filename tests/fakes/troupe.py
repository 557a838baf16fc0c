"""A few small characters of the tests' own, and a conversation they take part in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.conversation.inbound import Addressing, Inbound, Outcome
from services.conversation.scenes import Cast, SceneChange
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, TextPart
from services.domain.people import Author, Role
from services.domain.replies import TurnStarted
from tests.fakes.app import PLACE, SAM, App
from tests.fakes.recording import RecordingDelivery, assert_grammar
from tests.fakes.scripted_model import ScriptedModel

NAMES = ("Ann", "Ben", "Cleo", "Dov")


def write_cards(folder: Path, **cards: Mapping[str, Any]) -> Path:
    """Write Ann, Ben, Cleo and Dov, with what ``cards`` says differently, and return the folder."""
    for name in NAMES:
        data = {
            "name": name,
            "description": f"{{{{char}}}} is the {name.lower()}-keeper, a friend of {{{{user}}}}.",
            "first_mes": f"I am {name}, {{{{user}}}}.",
            "extensions": {"talkativeness": 0},
        }
        data |= cards.get(name.lower(), {})
        card = folder / name.lower() / "card.json"
        card.parent.mkdir(parents=True)
        card.write_text(json.dumps({"spec": "chara_card_v3", "spec_version": "3.0", "data": data}))
    return folder


def cast_settings(folder: Path, **cards: Mapping[str, Any]) -> dict[str, Any]:
    """Settings sections for an application in which only these characters exist; Ann answers."""
    return {"persona": {"characters": write_cards(folder / "cards", **cards), "default": "ann"}}


@dataclass
class Stage:
    """Short ways to play a scene and to look at the prompts it made."""

    app: App
    place: ConversationId = PLACE
    delivery: RecordingDelivery = field(default_factory=RecordingDelivery)

    async def change(self, **change: Any) -> Cast:
        return await self.app.conversations.change_scene(
            self.place, SceneChange(**change), by=SAM, role=Role.MODERATOR
        )

    async def enter(self, *names: str, **change: Any) -> None:
        for name in names:
            await self.change(join=name)
        if change:
            await self.change(**change)

    async def say(
        self, text: str, *, by: Author = SAM, private: bool = False, to: AuthorId | None = None
    ) -> Outcome:
        message = Message(
            id=MessageId(self.app.factory.ids().new()),
            conversation=self.place,
            author=by,
            parts=(TextPart(text=text),),
            created_at=self.app.factory.clock().now(),
            mentions=() if to is None else (to,),
        )
        receipt = await self.app.conversations.receive(
            Inbound(
                message=message,
                delivery=self.delivery,
                addressing=Addressing(private=private),
                role=Role.OWNER,
                witnesses=frozenset({SAM.id, by.id}),
            )
        )
        return await receipt.outcome()

    async def speak(self, name: str = "", *, by: Author = SAM) -> Outcome:
        receipt = await self.app.conversations.speak(
            self.place, name, self.delivery, by=by, role=Role.MEMBER
        )
        return await receipt.outcome()

    def spoke(self) -> list[str]:
        """Who has spoken so far, turn by turn, each with exactly one terminal."""
        names = []
        for turn in self.delivery.turns():
            assert_grammar(turn)
            assert isinstance(turn[0], TurnStarted)
            names.append(turn[0].persona_name)
        return names

    def prompts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Every prompt so far as (persona, [(role, content)]), in the order of the turns."""
        model = self.app.model
        assert isinstance(model, ScriptedModel)
        asked = [request for request in model.requests if not request.prefill]
        assert len(asked) == len(self.delivery.briefs)
        return [
            (
                brief.persona,
                [(str(message.role), message.content) for message in request.messages],
            )
            for brief, request in zip(self.delivery.briefs, asked, strict=True)
        ]
