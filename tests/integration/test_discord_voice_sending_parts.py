"""The parts of sending that need no call: the grid and the encoder."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import discord.opus
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontends.discord.voice import libopus
from frontends.discord.voice.grid import Grid, Slot
from frontends.discord.voice.libopus import load_libopus
from frontends.discord.voice.opus_mouth import Application, OpusMouth
from frontends.discord.voice.thread_turns import NICENESS, come_first
from services.domain.errors import AcoreError
from tests.discord_standin.voice.opus import FRAME_BYTES, RATE, Decoder
from tests.fakes.block_source import SILENT_BLOCK, blocks_of_tone

STEP = 0.02


def serve(grid: Grid, stalls: dict[int, float], count: int) -> list[tuple[float, Slot]]:
    """Serve so many slots; the n-th is served late by what ``stalls`` says."""
    served = []
    now = 100.0
    for number in range(count):
        now = max(now, grid.due) + stalls.get(number, 0.0)
        served.append((now, grid.serve(now)))
    return served


def test_undisturbed_slots_never_drift():
    grid = Grid(100.0)
    for now, slot in serve(grid, dict.fromkeys(range(5000), 0.0004), 5000):
        assert now == pytest.approx(100.0 + slot.number * STEP + 0.0004)
        assert slot.late == pytest.approx(0.0004)
        assert not slot.skipped


def test_a_short_stall_is_made_up_for_without_a_burst_or_a_loss():
    served = serve(Grid(100.0), {10: 0.055}, 30)
    assert [slot.number for _, slot in served] == list(range(30))
    moments = [now for now, _ in served]
    assert min(b - a for a, b in itertools.pairwise(moments)) >= STEP / 2 - 1e-9
    assert [round(slot.late, 3) for _, slot in served[10:17]] == [
        *(0.055, 0.045, 0.035, 0.025, 0.015, 0.005),
        0.0,
    ]


def test_a_long_stall_is_one_gap():
    served = serve(Grid(100.0), {10: 0.505}, 13)
    assert [slot.number for _, slot in served[9:]] == [9, 35, 36, 37]
    assert [slot.skipped for _, slot in served[9:]] == [0, 25, 0, 0]
    assert served[-1][1].late == 0.0


@given(st.dictionaries(st.integers(0, 60), st.floats(0.0, 0.3), max_size=20))
def test_whatever_stalls_slots_are_in_order_on_time_and_apart(stalls):
    served = serve(Grid(100.0), stalls, 80)
    for (before, first), (now, second) in itertools.pairwise(served):
        assert second.number == first.number + 1 + second.skipped
        assert now - before >= STEP / 2 - 1e-9
        assert now >= 100.0 + second.number * STEP - 1e-9
        assert now - (100.0 + second.number * STEP) <= 3 * STEP + 1e-9
    assert served[-1][1].late < 1e-9


@pytest.mark.parametrize("application", list(Application), ids=lambda each: each.name)
def test_what_the_mouth_says_decodes_to_what_it_was_given(application):
    load_libopus()
    mouth, decoder = OpusMouth(application=application), Decoder()
    frames = [mouth.encode(block) for block in blocks_of_tone(50, frequency=500)]
    sound = np.frombuffer(b"".join(map(decoder.decode, frames)), dtype="<i2")[::2]
    assert np.argmax(np.abs(np.fft.rfft(sound))) == 500
    assert np.abs(sound[4800:]).max() == pytest.approx(0.3 * 32_767, rel=0.15)
    assert 64_000 / 8 * 0.5 <= sum(map(len, frames)) <= 64_000 / 8 * 1.3


def voice_like(seconds: float) -> list[bytes]:
    """Return blocks of pulses through a resonance, on and off: a tone alone is nothing to lose."""
    at = np.arange(int(seconds * RATE)) / RATE
    pulses = np.zeros_like(at)
    pulses[:: RATE // 120] = 1.0
    ringing = np.exp(-at[:1500] * 300) * np.sin(2 * np.pi * 700 * at[:1500])
    sound = np.convolve(pulses, ringing)[: len(at)] * (np.sin(2 * np.pi * 2 * at) > 0) * 0.4
    pcm = np.repeat((sound * 32_767).astype("<i2")[:, None], 2, axis=1).tobytes()
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


def error_of_repair(expected_loss: float) -> float:
    """Lose every tenth frame, repair it from the next, and return how wrong the repair is."""
    mouth = OpusMouth(expected_loss=expected_loss)
    frames = [mouth.encode(block) for block in voice_like(2.0)]
    whole, holey = discord.opus.Decoder(), discord.opus.Decoder()
    wrong = size = 0.0
    for number, frame in enumerate(frames[:-1]):
        right = np.frombuffer(whole.decode(frame, fec=False), dtype="<i2").astype(float)
        if number % 10 == 5:
            repaired = np.frombuffer(holey.decode(frames[number + 1], fec=True), dtype="<i2")
            wrong += float(((repaired - right) ** 2).sum())
            size += float((right**2).sum())
        else:
            holey.decode(frame, fec=False)
    return wrong / size


def test_what_is_lost_can_be_made_out_from_the_frame_after_it():
    load_libopus()
    assert error_of_repair(0.1) < 0.05
    assert error_of_repair(0.0) > 0.2


def test_who_forgets_says_the_same_as_one_who_begins():
    first, second = blocks_of_tone(20), blocks_of_tone(5, frequency=700)
    mouth, fresh = OpusMouth(), OpusMouth()
    for block in first:
        mouth.encode(block)
    mouth.forget()
    assert [mouth.encode(block) for block in second] == [fresh.encode(block) for block in second]


def test_a_block_of_another_size_never_reaches_the_library():
    mouth = OpusMouth()
    for wrong in (b"", SILENT_BLOCK[:-1], SILENT_BLOCK * 2):
        with pytest.raises(ValueError, match="3840"):
            mouth.encode(wrong)


def test_values_the_library_refuses_are_refused():
    with pytest.raises(AcoreError):
        OpusMouth(bitrate=-5)


def test_without_a_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(libopus, "_candidates", lambda: iter(["/nowhere/libopus.so", "libc.so.6"]))
    with pytest.raises(AcoreError) as caught:
        libopus._name.__wrapped__()
    assert "libopus0" in caught.value.user_message


def test_a_thread_that_comes_first_lets_the_others_be():
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1) as pool:
        granted = pool.submit(come_first).result()
        niceness = pool.submit(os.getpriority, os.PRIO_PROCESS, 0).result()
    assert niceness == (NICENESS if granted else mine)
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine


def test_a_thread_that_may_not_come_first_works_all_the_same(monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refused)
    assert not come_first()
