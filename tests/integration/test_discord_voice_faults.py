"""What goes wrong in a call, and how soon people and the bot hear each other again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from tests.discord_standin.founding import add_user
from tests.discord_standin.voice import mischief
from tests.discord_standin.voice.opcodes import Close, Op
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.fakes.voice_link import Linked, linked

SOON_SECONDS = 5.0
UNMOVED_SECONDS = 0.3

Fault = Callable[[Linked], Awaitable[object]]


async def garbage_proposals(line: Linked) -> None:
    mischief.send_garbage_proposals(line.here.call, line.here.bot_id)


async def forged_proposals(line: Linked) -> None:
    stranger = add_user(line.here.town.standin.world, "Stranger")
    mischief.send_forged_proposals(line.here.call, line.here.bot_id, stranger.id)


async def broken_transition(line: Linked) -> None:
    mischief.send_broken_transition(line.here.call, line.here.bot_id)


async def unknown_transition(line: Linked) -> None:
    mischief.send_unknown_transition(line.here.call, line.here.bot_id)


async def broken_commit(line: Linked) -> None:
    mischief.send_broken_commit(line.here.call, line.here.bot_id)


async def second_external_sender(line: Linked) -> None:
    call = line.here.call
    call.parties[line.here.bot_id].told_bytes(Op.EXTERNAL_SENDER, call.sender.package)


async def frames_of_nonsense(line: Linked) -> None:
    connection = line.here.board.servers[0].connections_of(line.here.bot_id)[0]
    await connection.socket.send_bytes(b"")
    await connection.socket.send_str("no json")
    await connection.socket.send_str("[]")
    await connection.socket.send_str('{"op": 11}')
    await connection.socket.send_str('{"op": 5, "d": {"user_id": "x"}}')


async def new_transport_key(line: Linked) -> None:
    line.here.board.give_new_key(line.here.town.bot)


async def group_founded_anew(line: Linked) -> None:
    line.here.call.group.found_anew()


async def out_of_encryption_and_back(line: Linked) -> None:
    line.here.call.group.downgrade()
    await eventually(lambda: line.here.call.group.version == 0)
    await line.both_ways(line.here.town.alice)
    line.here.call.group.upgrade()


async def failing_hook(line: Linked) -> None:
    async def hook(*_: object) -> None:
        raise ZeroDivisionError

    line.client.ws._hook = hook  # type: ignore[method-assign]
    line.here.town.bob.joins_voice(line.here.lounge)


async def failing_poller(line: Linked) -> None:
    async def poll_event() -> None:
        raise ZeroDivisionError

    line.client.ws.poll_event = poll_event  # type: ignore[method-assign]
    line.here.town.bob.joins_voice(line.here.lounge)


async def dead_reader(line: Linked) -> None:
    reader = line.client._connection._socket_reader
    reader.stop()
    await asyncio.to_thread(reader.join)
    line.here.board.servers[0].dismiss(line.here.bot_id, Close.SESSION_INVALID)


async def closed_datagrams(line: Linked) -> None:
    line.here.board.servers[0].dismiss(line.here.bot_id, Close.SESSION_INVALID)
    line.client._connection.socket.close()


async def invalid_session(line: Linked) -> None:
    line.here.board.servers[0].dismiss(line.here.bot_id, Close.SESSION_INVALID)


async def dismissed_without_a_word(line: Linked) -> None:
    line.here.board.servers[0].dismiss(line.here.bot_id, Close.DISCONNECTED)


async def crashed_server(line: Linked) -> None:
    line.here.board.servers[0].crash()


async def crashed_server_that_forgot(line: Linked) -> None:
    server = line.here.board.servers[0]
    server.crash()
    server.forget(line.here.bot_id)


async def terminated_call(line: Linked) -> None:
    line.here.board.end_call(line.here.lounge)


async def cut_line(line: Linked) -> None:
    line.here.board.servers[0].connections_of(line.here.bot_id)[0].cut()


async def session_timeout(line: Linked) -> None:
    line.here.board.servers[0].dismiss(line.here.bot_id, Close.SESSION_TIMEOUT)


async def moved_region(line: Linked) -> None:
    await line.here.board.move_region(line.here.lounge)


async def moved_region_after_a_gap(line: Linked) -> None:
    await line.here.board.move_region(line.here.lounge, gap=True)


async def moved_region_while_the_old_server_talks(line: Linked) -> None:
    await line.here.board.move_region(line.here.lounge, old_server_closes=False)


async def two_moves_at_once(line: Linked) -> None:
    await line.here.board.move_region(line.here.lounge)
    await line.here.board.move_region(line.here.lounge)


async def cut_main_gateway(line: Linked) -> None:
    line.here.town.standin.gateway.cut()


async def lost_main_session(line: Linked) -> None:
    await line.here.town.standin.gateway.invalidate(resumable=False)


UNMOVED, RESUMED, ANEW = (1, 0), (1, 1), (2, 0)
"""How many sessions there have been in the end, and how often one was resumed."""

FAULTS = [
    (garbage_proposals, UNMOVED),
    (forged_proposals, UNMOVED),
    (broken_transition, UNMOVED),
    (unknown_transition, UNMOVED),
    (broken_commit, UNMOVED),
    (second_external_sender, UNMOVED),
    (frames_of_nonsense, UNMOVED),
    (new_transport_key, UNMOVED),
    (group_founded_anew, UNMOVED),
    (out_of_encryption_and_back, UNMOVED),
    (failing_hook, UNMOVED),
    (failing_poller, ANEW),
    (dead_reader, ANEW),
    (closed_datagrams, ANEW),
    (invalid_session, ANEW),
    (session_timeout, ANEW),
    (dismissed_without_a_word, ANEW),
    (terminated_call, ANEW),
    (crashed_server, RESUMED),
    (cut_line, RESUMED),
    (crashed_server_that_forgot, ANEW),
    (moved_region, ANEW),
    (moved_region_after_a_gap, ANEW),
    (moved_region_while_the_old_server_talks, ANEW),
    (two_moves_at_once, ANEW),
    (cut_main_gateway, UNMOVED),
    (lost_main_session, UNMOVED),
]


@pytest.mark.parametrize(
    ("fault", "expected"), FAULTS, ids=[each.__name__.replace("_", " ") for each, _ in FAULTS]
)
async def test_both_hear_each_other_again_soon_after(fault: Fault, expected: tuple[int, int]):
    async with stage() as here, linked(here) as line:
        alice = here.town.alice
        await here.joins(alice)
        async with line.talk(alice):
            await line.both_ways(alice)
            await fault(line)
            begun = asyncio.get_running_loop().time()
            await has_come(line, expected)
            await here.settles()
            await line.both_ways(alice)
            taken = asyncio.get_running_loop().time() - begun
        health = line.link.health()
        # Where the second move overtakes the first, one session comes of both.
        most = (3, 0) if fault is two_moves_at_once else expected
        assert expected <= (health.sessions, health.resumptions) <= most
        assert taken < SOON_SECONDS
        assert not line.link.closed.is_set()


async def has_come(line: Linked, expected: tuple[int, int]) -> None:
    """Wait until the connection is the expected one; what moves nothing has a moment to do so."""
    if expected == UNMOVED:
        await asyncio.sleep(UNMOVED_SECONDS)

    def is_so() -> bool:
        health = line.link.health()
        return health.connected and (health.sessions, health.resumptions) >= expected

    await eventually(is_so)


async def test_who_came_in_without_encryption_follows_when_it_returns():
    async with stage() as here:
        alice = await here.joins(here.town.alice)
        await here.joins(here.town.bob)
        here.call.group.downgrade()
        await eventually(lambda: here.call.group.version == 0)
        async with linked(here) as line, line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
            assert not any(each.encrypted for each in alice.recorder.of(here.bot_id))
            here.call.group.upgrade()
            await here.settles()
            await eventually(lambda: line.link.health().encrypted)
            alice.recorder.heard.clear()
            await line.both_ways(here.town.alice)
            assert all(each.encrypted for each in alice.recorder.of(here.bot_id) if not each.silent)


async def test_a_stranger_nobody_announced_is_not_let_into_the_group():
    async with stage() as here, linked(here) as line:
        await here.joins(here.town.alice)
        stranger = add_user(here.town.standin.world, "Stranger")
        committed = commits_of_bot(here)
        mischief.send_stranger(here.call, here.bot_id, stranger.id)
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
        assert commits_of_bot(here) == committed
        await here.joins(here.town.bob)  # and who is announced is still let in
        async with line.talk(here.town.bob):
            await line.both_ways(here.town.bob)


async def test_36_frames_nobody_can_open_make_the_bot_ask_for_new_keys_once(monkeypatch):
    async with stage() as here, linked(here) as line:
        alice = await here.joins(here.town.alice)
        broken = b"\x78not sealed with any key here" + bytes(8) + b"\x01\x0d\xfa\xfa"
        monkeypatch.setattr(alice.endpoint, "encrypt", lambda _: broken)
        for _ in range(100):
            alice.sends(b"\x78")
            await asyncio.sleep(0.001)
        await eventually(lambda: line.link.health().counts.packets > 100)
        monkeypatch.undo()
        await eventually(lambda: here.call.group.invalid)
        await here.settles()
        async with line.talk(here.town.alice):
            await line.both_ways(here.town.alice)
        assert here.call.group.invalid == [here.bot_id]


async def test_nothing_is_left_of_a_link_that_was_closed():
    before = set(threading.enumerate())
    async with stage() as here:
        for _ in range(3):
            async with linked(here) as line:
                here.board.servers[0].crash()
                await has_come(line, RESUMED)
                here.board.servers[0].dismiss(here.bot_id, Close.SESSION_INVALID)
                await has_come(line, ANEW)
    names = ("voice", "socket-reader")

    def left() -> list[threading.Thread]:
        found = set(threading.enumerate()) - before
        return [each for each in found if any(name in each.name for name in names)]

    await eventually(lambda: not left())


def commits_of_bot(here: Stage) -> int:
    return [op for op, _ in here.session.taken].count(Op.COMMIT_WELCOME)
