"""Engines in child processes: they answer, are stopped, die and come back."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import aclosing
from pathlib import Path

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.voice.engines.engine_process import EngineProcess, EngineSpec

FACTORY = "tests.fakes.voice_engines:open_fake_engine"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def engine():
    process = EngineProcess(EngineSpec(name="fake", factory=FACTORY))
    yield process
    await process.close()


async def test_it_starts_when_it_is_asked_and_is_polite(engine: EngineProcess):
    assert engine.process_id is None
    about = await engine.open()
    assert about["nice"] >= 5
    assert about["threads"] == "1"
    answer = await engine.call({"op": "echo", "text": "grün \ud800"}, b"\x01\x02" * 1000)
    assert answer.header["text"] == "grün \ud800"
    assert answer.payload == b"\x01\x02" * 1000


async def test_megabytes_pass_both_ways(engine: EngineProcess):
    clip = os.urandom(4 << 20)
    assert (await engine.call({"op": "echo"}, clip)).payload == clip


async def test_parts_arrive_before_the_whole_is_done(engine: EngineProcess):
    async with aclosing(engine.stream({"op": "count", "to": 1000, "pause": 0.01})) as answers:
        first = await anext(answers)
    assert first.header["place"] == 0
    # The job was taken back, so this one does not wait for a thousand steps.
    assert (await engine.call({"op": "worked"})).header["worked"] < 900


async def test_a_cancelled_job_that_waits_is_never_begun(engine: EngineProcess):
    loop = asyncio.get_running_loop()
    running = loop.create_task(engine.call({"op": "count", "to": 3, "pause": 0.2}))
    await asyncio.sleep(0.1)
    waiting = loop.create_task(engine.call({"op": "count", "to": 500}))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(running, waiting, return_exceptions=True)
    assert (await engine.call({"op": "worked"})).header["worked"] <= 3


async def test_a_killed_child_fails_once_and_comes_back(engine: EngineProcess):
    await engine.open()
    first = engine.process_id
    with pytest.raises(ProviderError) as caught:
        await engine.call({"op": "die"})
    assert caught.value.fault is ProviderFault.BROKEN_STREAM
    assert (await engine.call({"op": "echo"}, b"ok")).payload == b"ok"
    assert engine.process_id != first


async def test_a_child_killed_while_idle_is_not_noticed_by_the_next_job(engine: EngineProcess):
    await engine.open()
    pid = engine.process_id
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while engine.process_id == pid:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await engine.call({"op": "echo"}, b"ok")).payload == b"ok"


async def test_all_jobs_of_a_killed_child_fail(engine: EngineProcess):
    jobs = [engine.call({"op": "echo"}), engine.call({"op": "die"}), engine.call({"op": "echo"})]
    told = await asyncio.gather(*jobs, return_exceptions=True)
    assert not isinstance(told[0], BaseException)
    assert isinstance(told[1], ProviderError)
    assert isinstance(told[2], ProviderError)
    assert told[1] is not told[2]


async def test_a_hung_child_is_killed():
    spec = EngineSpec(name="fake", factory=FACTORY, silence_seconds=0.3)
    engine = EngineProcess(spec)
    with pytest.raises(ProviderError) as caught:
        await engine.call({"op": "hang"})
    assert caught.value.fault is ProviderFault.TIMEOUT
    await engine.close()


async def test_a_failing_job_tells_its_kind_and_ends_nothing(engine: EngineProcess):
    with pytest.raises(ProviderError) as caught:
        await engine.call({"op": "fail", "text": "no such thing"})
    assert caught.value.fault is ProviderFault.SERVER_ERROR
    assert "ValueError" in caught.value.detail
    assert (await engine.call({"op": "echo"}, b"ok")).payload == b"ok"


async def test_what_libraries_print_does_not_disturb(engine: EngineProcess):
    await engine.call({"op": "print"})
    assert (await engine.call({"op": "echo"}, b"ok")).payload == b"ok"


async def test_what_they_print_goes_to_the_log(tmp_path: Path):
    log = tmp_path / "logs" / "engines.log"
    engine = EngineProcess(EngineSpec(name="fake", factory=FACTORY), log=log)
    await engine.call({"op": "print"})
    await engine.close()
    assert "noise on standard output" in log.read_text()


async def test_a_refused_start_is_told_and_not_tried_again_at_once():
    options = {"refuse": "There is no model; put one there."}
    engine = EngineProcess(EngineSpec(name="fake", factory=FACTORY, options=options))
    for _ in range(2):
        with pytest.raises(ProviderError, match="put one there") as caught:
            await engine.open()
        assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert engine.process_id is None
    await engine.close()


async def test_a_missing_module_is_named():
    options = {"imports": "no_such_engine"}
    engine = EngineProcess(EngineSpec(name="fake", factory=FACTORY, options=options))
    with pytest.raises(ProviderError, match="no_such_engine") as caught:
        await engine.open()
    assert caught.value.fault is ProviderFault.UNSUPPORTED
    await engine.close()


async def test_a_cancelled_open_does_not_stop_the_others(engine: EngineProcess):
    loop = asyncio.get_running_loop()
    first, second = loop.create_task(engine.open()), loop.create_task(engine.open())
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second)["ready"]
    await asyncio.gather(first, return_exceptions=True)


async def test_closing_ends_the_child_and_it_may_be_used_again(engine: EngineProcess):
    await engine.open()
    pid = engine.process_id
    assert pid is not None
    await engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (await engine.call({"op": "echo"}, b"ok")).payload == b"ok"


async def test_closing_in_the_middle_of_a_computation_does_not_wait_for_it(engine: EngineProcess):
    job = asyncio.get_running_loop().create_task(engine.call({"op": "hang"}))
    async with asyncio.timeout(10):
        while engine.process_id is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    async with asyncio.timeout(10):
        await engine.close()
    with pytest.raises(ProviderError):
        await job
