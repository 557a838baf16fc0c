"""Clips on disk: whole or not at all, never more than allowed."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest

from services.domain.audio import AudioClip
from services.domain.errors import ProviderError
from services.voice.clip_cache import ClipCache, ClipKey
from services.voice.engines.cached_speech import CachedSpeech
from services.voice.synthesis import Voice
from tests.fakes.voice_engines import FakeSpeech


def key(text: str, voice: Voice | None = None) -> ClipKey:
    return ClipKey(engine="fake", voice=voice or Voice(), text=text)


def clip(size: int = 1000, *, fill: int = 1) -> AudioClip:
    return AudioClip(pcm=bytes([fill]) * size, rate=22050)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_a_clip_is_found_by_another_cache_over_the_same_folder(tmp_path: Path):
    await ClipCache(tmp_path, most_bytes=1 << 20).put(key("hi"), clip())
    assert await ClipCache(tmp_path, most_bytes=1 << 20).get(key("hi")) == clip()


async def test_every_part_of_the_key_counts(tmp_path: Path):
    cache = ClipCache(tmp_path, most_bytes=1 << 20)
    await cache.put(key("hi"), clip())
    others = [key("Hi")]
    voices = [Voice(name="a"), Voice(speed=1.1), Voice(pitch=1.0), Voice(mood="sad")]
    others += [key("hi", voice) for voice in [*voices, Voice(language="en")]]
    others += [ClipKey(engine="other", voice=Voice(), text="hi")]
    assert [await cache.get(other) for other in others] == [None] * 7


async def test_what_was_not_heard_longest_goes_first(tmp_path: Path):
    cache = ClipCache(tmp_path, most_bytes=10_500)
    for number in range(10):
        await cache.put(key(str(number)), clip())
    await cache.get(key("0"))
    await cache.put(key("new"), clip())
    assert await cache.get(key("0")) is not None
    assert await cache.get(key("1")) is None
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 10_500


async def test_a_clip_too_big_for_the_cache_does_not_empty_it(tmp_path: Path):
    cache = ClipCache(tmp_path, most_bytes=10_000)
    await cache.put(key("small"), clip())
    await cache.put(key("big"), clip(9_000))
    assert await cache.get(key("big")) is None
    assert await cache.get(key("small")) is not None


@pytest.mark.parametrize("harm", ["cut", "flipped", "emptied", "gone"])
async def test_a_damaged_clip_is_made_again(tmp_path: Path, harm: str):
    cache = ClipCache(tmp_path, most_bytes=1 << 20)
    await cache.put(key("hi"), clip())
    (path,) = files(tmp_path)
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        changed = {"cut": data[:-1], "flipped": data[:-1] + b"\x02", "emptied": b""}
        path.write_bytes(changed[harm])
    assert await cache.get(key("hi")) is None
    assert not files(tmp_path)
    await cache.put(key("hi"), clip(fill=3))
    assert await cache.get(key("hi")) == clip(fill=3)


async def test_a_half_written_clip_is_no_clip(tmp_path: Path):
    cache = ClipCache(tmp_path, most_bytes=1 << 20)
    digest = key("hi").digest
    (tmp_path / digest[:2]).mkdir()
    (tmp_path / digest[:2] / f"{digest}.part").write_bytes(b"acc1")
    assert await cache.get(key("hi")) is None
    await cache.put(key("hi"), clip())
    assert await cache.get(key("hi")) == clip()
    assert [path.suffix for path in files(tmp_path)] == [".clip"]


async def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path):
    (tmp_path / "clips").write_text("a file is in the way")
    cache = ClipCache(tmp_path / "clips", most_bytes=1 << 20)
    await cache.put(key("hi"), clip())
    assert await cache.get(key("hi")) is None


async def test_clearing_removes_all(tmp_path: Path):
    cache = ClipCache(tmp_path, most_bytes=1 << 20)
    await cache.put(key("hi"), clip())
    await cache.clear()
    assert not files(tmp_path)


async def said(speech: CachedSpeech, text: str) -> bytes:
    async with aclosing(speech.synthesize(text, voice=Voice())) as frames:
        return b"".join([frame.pcm async for frame in frames])


async def test_the_second_time_the_engine_is_not_asked(tmp_path: Path):
    engine = FakeSpeech()
    speech = CachedSpeech(engine, ClipCache(tmp_path, most_bytes=1 << 24))
    assert await said(speech, "hello you") == await said(speech, "hello you")
    assert len(engine.said) == 1


async def test_what_was_cut_off_or_failed_or_is_long_is_not_kept(tmp_path: Path):
    engine = FakeSpeech()
    speech = CachedSpeech(engine, ClipCache(tmp_path, most_bytes=1 << 24), longest_text=30)
    async with aclosing(speech.synthesize("hello you", voice=Voice())) as frames:
        await anext(frames)
    await said(speech, "a text of more than thirty characters")
    engine.fails_after = 2
    with pytest.raises(ProviderError):
        await said(speech, "hello you")
    assert not files(tmp_path)
