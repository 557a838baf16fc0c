"""Microphone and loudspeaker, with a library that plays the part of the sound system."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from frontends.console.talking.microphone import SoundDevices, sound_devices
from frontends.console.talking.timeline import Timeline
from services.domain.errors import ConfigurationError
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.voice.audio_io import BLOCK_BYTES
from tests.fakes.clock import ManualClock

ANN = Author(id=AuthorId("console", "ann"), display_name="Ann")


class SoundSystem:
    """What is asked of ``sounddevice``: streams with callbacks, and whether there are devices."""

    class PortAudioError(Exception):
        pass

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.open: dict[str, Callable[..., None]] = {}
        self.forms: dict[str, dict[str, Any]] = {}

    def check_input_settings(self, **form: Any) -> None:
        if self.broken:
            raise self.PortAudioError("Error querying device -1")

    check_output_settings = check_input_settings

    def RawInputStream(self, **form: Any) -> _Stream:  # noqa: N802  the library's name
        return _Stream(self, "in", form)

    def RawOutputStream(self, **form: Any) -> _Stream:  # noqa: N802  the library's name
        return _Stream(self, "out", form)


class _Stream:
    def __init__(self, system: SoundSystem, name: str, form: dict[str, Any]) -> None:
        self._system, self._name = system, name
        self._callback = form.pop("callback")
        system.forms[name] = form

    def __enter__(self) -> _Stream:
        self._system.open[self._name] = self._callback
        return self

    def __exit__(self, *_: object) -> None:
        del self._system.open[self._name]


async def test_what_the_microphone_hears_arrives_with_its_time_and_late_takers_lose_the_oldest():
    system, clock = SoundSystem(), ManualClock()
    timeline = Timeline(clock)
    microphone = SoundDevices(system).microphone(speaker=ANN, clock=clock, timeline=timeline)
    async with aclosing(microphone.frames()) as frames:
        waiting = asyncio.ensure_future(anext(frames))  # noqa: TID251  a test may own a task
        await asyncio.sleep(0)
        begun = clock.monotonic()
        clock.advance(0.02)
        system.open["in"](b"\1\0" * 320, 320, None, None)
        first = await waiting
        assert (first.frame.pcm, first.speaker) == (b"\1\0" * 320, ANN)
        assert first.frame.started_at == pytest.approx(begun + 0.02)
        assert timeline.of(first.frame.started_at) == pytest.approx(0.02)
        for number in range(80):
            system.open["in"](bytes([number, 0]) * 320, 320, None, None)
        await asyncio.sleep(0)
        assert (await anext(frames)).frame.pcm[0] == 30
        assert (await anext(frames)).frame.pcm[0] == 31
    assert "in" not in system.open
    assert (system.forms["in"]["samplerate"], system.forms["in"]["channels"]) == (16_000, 1)


async def test_the_loudspeaker_plays_blocks_and_silence_where_there_are_none():
    system = SoundSystem()
    blocks = [b"\1" * BLOCK_BYTES, None, b"\2" * BLOCK_BYTES]
    played = []
    async with SoundDevices(system).loudspeaker().playing(lambda: blocks.pop(0)):
        for _ in range(3):
            out = bytearray(b"\x09" * BLOCK_BYTES)
            system.open["out"](memoryview(out), 960, None, None)
            played.append(bytes(out))
    assert played == [b"\1" * BLOCK_BYTES, bytes(BLOCK_BYTES), b"\2" * BLOCK_BYTES]
    assert "out" not in system.open


def test_a_machine_without_sound_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", SoundSystem(broken=True))
    with pytest.raises(ConfigurationError, match="--wav"):
        sound_devices()


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigurationError, match="pip install sounddevice"):
        sound_devices()


def test_with_package_and_devices_it_can_begin(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", SoundSystem())
    assert sound_devices() is not None
