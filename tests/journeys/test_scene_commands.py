"""Scenes, personas and lorebooks from the console, and a group that is killed."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from services.domain.ids import ConversationId
from tests.fakes.app import SAM, opened_app
from tests.fakes.ollama_server import Answer, FakeOllama
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.troupe import cast_settings
from tests.journeys.program import Program, inspected

HERE = ConversationId("console", "local", "main")


class Desk:
    """A talk with a whole application behind it, and the JSON it printed."""

    def __init__(self, talk: Talk, out: io.StringIO) -> None:
        self._talk = talk
        self._out = out

    async def hear(self, line: str) -> list[dict[str, Any]]:
        before = len(self._out.getvalue())
        await self._talk.hear(line)
        return [json.loads(shown) for shown in self._out.getvalue()[before:].splitlines()]

    async def last(self, line: str) -> dict[str, Any]:
        return (await self.hear(line))[-1]

    async def speakers(self, line: str) -> list[str]:
        printed = await self.hear(line)
        return [event["persona_name"] for event in printed if event["kind"] == "turn_started"]


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    async with opened_app(folder, ScriptedModel("Yes."), **cast_settings(folder)) as app:
        out = io.StringIO()
        talk = Talk(app.factory, view=JsonView(out), author=SAM, conversation=HERE)
        yield Desk(talk, out)


async def test_a_scene_is_played_from_the_console(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        assert (await here.last("/scene"))["members"] == []
        greeting = await here.last("/scene join ben")
        assert (greeting["kind"], greeting["author"]) == ("greeting", "Ben")
        assert (await here.last("/scene join Cleo"))["members"] == ["ben", "cleo"]
        assert (await here.last("/scene mode list"))["mode"] == "list"
        assert await here.speakers("hello") == ["Ben", "Cleo"]
        assert (await here.last("/scene mode manual"))["mode"] == "manual"
        assert await here.speakers("hello") == []
        assert await here.speakers("/speak cleo") == ["Cleo"]
        assert (await here.last("/scene card join"))["cards"] == "join"
        assert (await here.last("/scene self-reply on"))["self_reply"] is True
        assert (await here.last("/scene memory shared"))["memory"] == "shared"
        assert (await here.last("/persona ann"))["kind"] == "refused"
        await here.hear("/scene leave ben")
        assert (await here.last("/scene leave cleo"))["members"] == []
        assert (await here.last("/persona ann"))["name"] == "Ann"


@pytest.mark.parametrize(
    "line",
    [
        "/scene join",
        "/scene join nobody",
        "/scene mode loud",
        "/scene self-reply perhaps",
        "/scene dance ann",
        "/speak ann",
        "/me add",
        "/me add a:b",
        "/me dance",
        "/me edit Nobody words",
        "/me use Nobody",
        "/me add Ray|/me use Ray with nobody",
        "/me add Ray|/me use Ray there",
        "/me add Ray|/me place Ray somewhere",
        "/me add Ray|/me add ray",
        "/lore add nothing",
        "/lore remove nothing",
        "/lore burn nothing",
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_sentence(tmp_path: Path, line: str) -> None:
    async with desk(tmp_path) as here:
        *before, asked = line.split("|")
        for command in before:
            await here.hear(command)
        refusal = await here.last(asked)
        assert refusal["kind"] == "refused"
        assert refusal["user_message"].endswith(".")


async def test_personas_are_kept_from_the_console(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.hear('/me add "Captain Ray" Salt in the beard.')
        await here.hear("/me add Jo")
        assert (await here.last('/me use "captain ray"'))["name"] == "Captain Ray"
        assert (await here.last("/me use none here"))["name"] is None
        assert (await here.last("/me use Jo always"))["name"] == "Jo"
        assert (await here.last('/me use "Captain Ray" with ann'))["name"] == "Captain Ray"
        await here.hear('/me place "Captain Ray" at_depth 3 user')
        await here.hear('/me rename "Captain Ray" Ray')
        shown = (await here.last("/me edit Ray Salt."))["personas"][0]
        assert (shown["name"], shown["description"], shown["place"], shown["depth"]) == (
            "Ray",
            "Salt.",
            "at_depth",
            3,
        )
        exported = await here.last("/me export")
        assert [one["name"] for one in exported["personas"]] == ["Ray", "Jo"]
        assert (await here.last("/me remove Ray"))["name"] == "Jo"
        assert (await here.last("/me forget"))["personas"] == []


async def test_lorebooks_are_chosen_from_the_console(tmp_path: Path) -> None:
    (tmp_path / "lorebooks").mkdir()
    (tmp_path / "lorebooks" / "old harbour.json").write_text('{"entries": {}}')
    async with desk(tmp_path) as here:
        assert (await here.last("/lore add old harbour"))["here"] == ["old harbour"]
        assert (await here.last("/lore add old harbour always"))["always"] == ["old harbour"]
        await here.hear("/lore remove old harbour")
        after = await here.last("/lore remove old harbour")
        assert (after["here"], after["always"]) == ([], [])
        assert after["known"] == ["old harbour"]


PIECES = [f"{word} " for n in range(4) for word in ("This", "is", "sentence", f"number{n}.")]
STATES = "SELECT persona_id, state, reply_message_id FROM turns ORDER BY id"
SAID = "SELECT persona_id, written, roster_id FROM messages WHERE persona_id IS NOT NULL"
HEARD = "SELECT roster_id, member FROM roster_members WHERE kind = 'persona'"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("moment", [0.0, 0.03, 0.08])
async def test_a_group_killed_midway_keeps_one_end_per_turn_and_its_witnesses(
    tmp_path: Path, moment: float
) -> None:
    server = FakeOllama(default=Answer(pieces=PIECES, delay_each=0.004))
    async with server.running():
        program = Program(tmp_path).asking(server.url)
        async with program.chatting() as chat:
            for name in ("mira", "orin", "teo"):
                await chat.ask(f"/scene join {name}", "scene")
            await chat.ask("/scene mode list", "scene")
            chat.type("Hello everybody")
            await chat.until("turn_finished")
            await chat.until("sentence_ready")  # the second speaker is in the middle
            await asyncio.sleep(moment)
            printed = list((await chat.kill()).events)
        async with program.chatting() as chat:
            history = await chat.history()
            scene = await chat.ask("/scene", "scene")
            await chat.leave()
    assert scene["members"] == ["mira", "orin", "teo"]
    states, said, heard = await inspected(program.data, tmp_path / "copy", STATES, SAID, HEARD)
    assert all(state in {"finished", "interrupted"} for _, state, _ in states)
    started = [event["turn"] for event in printed if event["kind"] == "turn_started"]
    ended = [event["turn"] for event in printed if event["kind"] == "turn_finished"]
    assert len(set(started)) == len(started)
    assert len(set(ended)) == len(ended)
    assert len(started) - len(ended) <= 1
    texts = [entry["text"] for entry in history]
    for event in printed:
        if event["kind"] == "sentence_ready":
            assert any(event["text"] in text for text in texts)
    rosters: dict[str, set[str]] = {}
    for roster, member in heard:
        rosters.setdefault(roster, set()).add(member)
    for _, written, roster in said:
        if "sentence" in written:
            assert rosters[roster] == {"mira", "orin", "teo"}
