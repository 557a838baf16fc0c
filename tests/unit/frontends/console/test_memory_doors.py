"""The doors to one's memories: on the command line and in the chat."""

from __future__ import annotations

import asyncio
import io
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import services.factory
from frontends.console.actions import COMMANDS
from frontends.console.commandline import execute
from frontends.console.identity import person_here
from frontends.console.slash import Asked, read_line
from frontends.console.views import JsonView
from services.conversation.transcripts.exporting import ChatExport
from services.conversation.transcripts.importing import ChatImport
from services.domain.clock import SystemClock
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import PersonaId
from services.domain.people import Author, Role
from services.memory.rights.service import MemoryRights
from services.people.linking import AccountLinks
from services.people.own_choices import OwnChoices
from services.people.privacy import Privacy
from services.people.scopes import ScopedSettings
from services.settings import Settings
from tests.fakes.clock import ManualClock
from tests.unit.forgetting.world import ALICE, ALICE_HERE, BOB, PRIVATE, World, world_in

ME = person_here(Settings())


class NoCharacters:
    """A library without characters."""

    def get(self, persona: PersonaId, /) -> None:
        return None

    def find(self, name: str, /) -> Any:
        raise NotFound("persona_unknown", f"There is no character called {name}.")


def services_of(world: World) -> SimpleNamespace:
    rights = MemoryRights(
        database=world.database, forgetting=world.forgetting, clock=world.clock, ids=world.ids
    )
    chats = ChatImport(
        database=world.database,
        people=world.people,
        clock=world.clock,
        characters=NoCharacters(),
        longest=1000,
    )
    export = ChatExport(database=world.database, clock=world.clock)
    return SimpleNamespace(
        memory_rights=lambda: rights,
        chat_import=lambda: chats,
        chat_export=lambda: export,
        library=NoCharacters,
    )


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    data = tmp_path / "data"
    chance = random.Random(4)

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[SimpleNamespace]:
        async with world_in(
            settings.storage.data, SystemClock(), seed=chance.randrange(10**9)
        ) as world:
            yield services_of(world)

    monkeypatch.setattr(services.factory, "opened_services", opened)
    monkeypatch.chdir(tmp_path)
    asyncio.run(_talk(data))

    def call(*argv: str) -> tuple[int, str, str]:
        async def launch(*_: object, **__: object) -> int:
            return 0

        code = execute([argv[0], argv[1], "--data", str(data), *argv[2:]], launch=launch)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


async def _talk(data: Path) -> None:
    async with world_in(data, ManualClock()) as world:
        said = await world.say("My turquoise kite is called Falkenauge", ME, place=PRIVATE)
        await world.learn(said, "Falkenauge", about=ME, slot="kite")
        other = await world.say("Herons eat at noon", BOB)
        await world.learn(other, "herons", about=BOB, slot="feeds")


Run = Callable[..., tuple[int, str, str]]


def test_what_is_remembered_is_listed_searched_and_exported(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("memory", "list", "--json")
    listed = json.loads(out)
    assert (code, listed["messages"], listed["facts"]) == (0, 1, 1)
    assert [fact["value"] for fact in listed["known"]] == ["Falkenauge"]
    code, out, _ = run("memory", "search", "turquoise", "--json")
    assert [turn["text"] for turn in json.loads(out)["messages"]] == [
        "My turquoise kite is called Falkenauge"
    ]
    code, out, _ = run("memory", "search", "herons")
    assert out == "Nothing was found.\n"
    code, out, _ = run("memory", "search", "herons", "--as", str(BOB.id))
    assert "Herons eat at noon" in out
    target = tmp_path / "mine.json"
    assert run("memory", "export", "-o", str(target))[0] == 0
    assert json.loads(target.read_text())["format"] == "acore.memory"
    code, _, complaint = run("memory", "export", "-o", str(target))
    assert code == 1
    assert complaint.count("\n") == 1
    assert run("memory", "list", "--as", "nonsense")[0] == 1
    assert run("memory", "list", "--as", "web:nobody")[0] == 1


def test_nothing_is_forgotten_without_yes(run: Run) -> None:
    code, out, _ = run("memory", "forget", "--everything")
    assert code == 0
    assert "Nothing was changed" in out
    assert json.loads(run("memory", "list", "--json")[1])["messages"] == 1
    code, out, _ = run("memory", "forget", "--everything", "--yes", "--json")
    receipt = json.loads(out)
    assert (code, receipt["verified"]["clean"], receipt["counts"]["messages"]) == (0, True, 1)
    assert "Falkenauge" not in out
    assert run("memory", "list")[0] == 1
    assert json.loads(run("memory", "list", "--as", str(BOB.id), "--json")[1])["messages"] == 1


def test_one_fact_and_what_matches_is_forgotten(run: Run) -> None:
    fact = json.loads(run("memory", "list", "--json")[1])["known"][0]["id"]
    assert run("memory", "forget", "--fact", fact, "--yes")[1] == "It is forgotten.\n"
    assert run("memory", "forget", "--fact", fact, "--yes")[0] == 1
    _, out, _ = run("memory", "forget", "--matching", "turquoise", "--yes", "--json")
    assert json.loads(out)["counts"] == {"messages": 1, "lessons": 1}
    assert run("memory", "forget")[0] == 1


def test_chats_go_out_and_come_in(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "chat.json"
    assert run("history", "export", "--conversation", str(PRIVATE), "-o", str(target))[0] == 0
    other = "console:local:copy"
    code, out, _ = run("history", "import", str(target), "--conversation", other, "--json")
    assert json.loads(out) == {
        "added": 1, "known": 0, "left_out": {}, "standing": True, "first": 1
    }  # fmt: skip
    assert (
        json.loads(run("history", "import", str(target), "--conversation", other, "--json")[1])[
            "added"
        ]
        == 0
    )
    _, out, _ = run("history", "export", "--conversation", other, "--format", "sillytavern")
    assert [json.loads(line).get("mes") for line in out.splitlines()] == [
        None,
        "My turquoise kite is called Falkenauge",
    ]
    (tmp_path / "bad.jsonl").write_text("no json\n")
    code, _, complaint = run("history", "import", str(tmp_path / "bad.jsonl"))
    assert (code, complaint) == (1, "That chat cannot be taken in: line 1 is not JSON.\n")
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate(50 * 2**20)
    code, _, complaint = run("history", "import", str(large))
    assert code == 1
    assert "MB" in complaint
    assert run("history", "import", str(tmp_path / "none"))[0] == 1


async def asked(
    world: World, *lines: str, author: Author = ALICE, links: AccountLinks | None = None
) -> list[dict[str, Any]]:
    """Return what the chat shows for some lines."""
    out = io.StringIO()
    scopes = ScopedSettings(world.database, clock=world.clock)
    own = OwnChoices(scopes, database=world.database, people=world.people)
    talk = SimpleNamespace(
        memory_rights=services_of(world).memory_rights(),
        privacy=Privacy(own),
        account_links=links,
        author=author,
        conversation=PRIVATE,
        role=Role.MEMBER,
        view=JsonView(out),
    )
    for line in lines:
        meant = read_line(line, COMMANDS)
        assert isinstance(meant, Asked)
        await meant.command.perform(talk, meant.argument)  # type: ignore[arg-type]
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def test_in_the_chat_one_sees_corrects_and_forgets(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with world_in(tmp_path / "data", clock) as world:
        said = await world.say("My turquoise kite is called Falkenauge", ALICE)
        fact = await world.learn(said, "Falkenauge", about=ALICE, slot="kite")
        (listed,) = await asked(world, "/memory")
        assert [one["id"] for one in listed["known"]] == [fact]
        changed, pinned, found = await asked(
            world,
            f"/memory correct {fact} Sperberauge",
            f"/memory pin {fact}",
            "/memory search kite",
        )
        assert changed["value"] == "Sperberauge"
        assert pinned["pinned"]
        assert len(found["messages"]) == 1
        for wrong in (
            "/memory nonsense",
            "/memory pin",
            "/memory list more",
            "/forget",
            "/forget you",
        ):
            with pytest.raises(InvalidRequest):
                await asked(world, wrong)
        (preview,) = await asked(world, "/forget me")
        assert preview["kind"] == "forget_preview"
        assert len(await world.texts()) == 1
        (receipt,) = await asked(world, "/forget me yes")
        assert (receipt["kind"], receipt["verified"]["clean"]) == ("forgotten", True)
        assert await world.texts() == []


async def test_in_the_chat_what_matches_is_shown_before_it_is_forgotten(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with world_in(tmp_path / "data", clock) as world:
        said = await world.say("My turquoise kite is called Falkenauge", ALICE)
        with pytest.raises(InvalidRequest, match="yes"):
            await asked(world, f"/forget message {said.message.id}")
        (shown,) = await asked(world, "/forget matching turquoise kite")
        assert len(shown["messages"]) == 1
        assert len(await world.texts()) == 1
        await asked(world, "/forget matching turquoise kite yes")
        assert await world.texts() == []


async def test_in_the_chat_one_chooses_what_is_learnt_and_recalled(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with world_in(tmp_path / "data", clock) as world:
        await world.say("My turquoise kite is called Falkenauge", ALICE)
        shown, *changed = await asked(
            world,
            "/memory privacy",
            "/memory privacy learn off",
            "/memory privacy RECALL off",
            "/memory privacy reach here",
            "/memory privacy learn on",
        )
        chosen = [(one["learn"], one["recall"], one["reach"]) for one in (shown, *changed)]
        assert chosen == [
            (True, True, None),
            (False, True, None),
            (False, False, None),
            (False, False, "here"),
            (True, False, "here"),
        ]
        for wrong in ("learn", "learn maybe", "reach moon", "learn off now", "nonsense"):
            with pytest.raises(InvalidRequest, match="privacy learn on"):
                await asked(world, f"/memory privacy {wrong}")
    async with world_in(tmp_path / "other", clock) as empty:
        with pytest.raises(NotFound, match="Say something first"):
            await asked(empty, "/memory privacy learn off")


async def test_in_the_chat_accounts_become_one_person(tmp_path: Path, clock: ManualClock) -> None:
    async with world_in(tmp_path / "data", clock) as world:
        links = AccountLinks(
            database=world.database, people=world.people, clock=clock, rng=random.Random(3)
        )
        await world.say("My turquoise kite is called Falkenauge", ALICE)
        await world.say("Herons eat at noon", BOB)
        (shown,) = await asked(world, "/link", links=links)
        with pytest.raises(NotFound, match="No account has entered"):
            await asked(world, "/link confirm", links=links)
        (claimed,) = await asked(
            world, f"/link {shown['code'].replace('-', ' ')}", links=links, author=BOB
        )
        assert claimed["account"] == str(ALICE.id)
        assert await world.person(ALICE) != await world.person(BOB)
        (linked,) = await asked(world, "/link confirm", links=links)
        assert (linked["account"], linked["name"]) == (str(BOB.id), BOB.display_name)
        assert await world.person(ALICE) == await world.person(BOB) == linked["person"]
        await world.say("A third account", ALICE_HERE, place=PRIVATE)
        (again,) = await asked(world, "/link", links=links)
        await asked(world, "/link cancel", links=links)
        with pytest.raises(InvalidRequest, match="does not hold"):
            await asked(world, f"/link {again['code']}", links=links, author=ALICE_HERE)
        with pytest.raises(InvalidRequest, match="Write /link"):
            await asked(world, "/link confirm now", links=links)
