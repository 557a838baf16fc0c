"""What goes wrong in a call, and how soon people and the bot hear each other again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.discord_standin.founding import add_user
from tests.discord_standin.voice import mischief
from tests.discord_standin.voice.opcodes import Close, Op
from tests.discord_standin.voice.stage import Stage, eventually, stage
from tests.fakes.voice_link import Linked, linked

SOON_SECONDS = 5.0

Fault = Callable[[Linked], Awaitable[object]]


def _bot(here: Stage) -> int:
    return here.bot_id


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


async def empty_binary_frame(line: Linked) -> None:
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


FAULTS = [
    garbage_proposals,
    forged_proposals,
    broken_transition,
    unknown_transition,
    broken_commit,
    second_external_sender,
    empty_binary_frame,
    new_transport_key,
    group_founded_anew,
    out_of_encryption_and_back,
    failing_hook,
    failing_poller,
    dead_reader,
    closed_datagrams,
    invalid_session,
    dismissed_without_a_word,
    crashed_server,
    crashed_server_that_forgot,
    terminated_call,
    cut_line,
    session_timeout,
    moved_region,
    moved_region_after_a_gap,
    moved_region_while_the_old_server_talks,
    two_moves_at_once,
    cut_main_gateway,
    lost_main_session,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__.replace("_", " "))
async def test_both_hear_each_other_again_soon_after(fault: Fault):
    async with stage() as here, linked(here) as line:
        alice = here.town.alice
        await here.joins(alice)
        async with line.talk(alice):
            await line.both_ways(alice)
            await fault(line)
            begun = asyncio.get_running_loop().time()
            await settled(line)
            await line.both_ways(alice)
            taken = asyncio.get_running_loop().time() - begun
            print(fault.__name__, round(taken, 2), line.link.health().counts)
            assert taken < SOON_SECONDS
            assert not line.link.closed.is_set()


async def settled(line: Linked) -> None:
    """Wait until a fault has had its effect, and that is over."""
    await asyncio.sleep(0.3)
    await eventually(lambda: line.link.health().connected)
    await line.here.settles()
