"""Settings that change while the program runs: all or nothing, and said without values."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.domain.errors import ConfigurationError
from services.reloading import ConfigWatch, Reloading, stamps
from services.settings import GateSettings, LlmSettings, Settings


class Installation:
    """Settings that can be changed, and everything a reload told."""

    def __init__(self, **sections: object) -> None:
        self.wanted: Settings | Exception = Settings.model_validate(sections)
        self.applied: list[Settings] = []
        self.notices: list[tuple[str, str]] = []
        self.loads = 0
        self.reloading = Reloading(
            Settings.model_validate(sections),
            load=self._load,
            appliers=[self.applied.append],
            checks=[self._check],
            announce=lambda code, text: self.notices.append((code, text)),
        )

    def change(self, **sections: object) -> None:
        self.wanted = Settings.model_validate(sections)

    def _load(self) -> Settings:
        self.loads += 1
        if isinstance(self.wanted, Exception):
            raise self.wanted
        return self.wanted

    def _check(self, loaded: Settings) -> None:
        if loaded.persona.default == "nobody":
            raise ConfigurationError("persona_default", "There is no nobody.")


async def test_live_settings_take_effect_and_the_others_wait() -> None:
    installation = Installation()
    installation.change(llm={"temperature": 0.1, "num_ctx": 2048}, gate={"user_limit": 3})
    report = await installation.reloading.reload()
    assert report.applied == ("llm.temperature", "gate.user_limit")
    assert report.restart == ("llm.num_ctx",)
    (holding,) = installation.applied
    assert (holding.llm.temperature, holding.gate.user_limit) == (0.1, 3)
    assert holding.llm.num_ctx == LlmSettings().num_ctx
    assert installation.reloading.current == holding


async def test_no_value_is_told_only_names(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    installation = Installation()
    installation.change(
        gate={"keywords": ["abracadabra"]}, openai={"api_key": "sk-abc"}, llm={"num_ctx": 4711}
    )
    report = await installation.reloading.reload()
    ((code, text),) = installation.notices
    assert code == "settings_reloaded"
    told = [text, str(report), *(str(record.__dict__) for record in caplog.records)]
    for name in ("gate.keywords", "openai.api_key", "llm.num_ctx"):
        assert name in text
    assert not [each for each in told if "abracadabra" in each or "sk-abc" in each]
    assert "4711" not in text


@pytest.mark.parametrize(
    "wrong",
    [
        ConfigurationError("configuration", "llm.modl is not a setting.\nllm.top_p expects 1."),
        Settings.model_validate({"persona": {"default": "nobody"}, "gate": {"user_limit": 3}}),
        RuntimeError("a defect in reading"),
    ],
    ids=["unreadable", "failed check", "defect"],
)
async def test_wrong_settings_change_nothing_and_are_announced(wrong: Settings | Exception) -> None:
    installation = Installation(gate={"user_limit": 5})
    before = installation.reloading.current
    installation.wanted = wrong
    report = await installation.reloading.reload()
    assert report.problem
    assert (report.applied, report.restart) == ((), ())
    assert installation.reloading.current is before
    assert installation.applied == []
    ((code, text),) = installation.notices
    assert code == "settings_refused"
    assert report.problem in text
    assert "\n" not in text


async def test_a_setting_given_with_its_default_value_counts_as_given() -> None:
    installation = Installation()
    installation.change(gate={"user_limit": GateSettings().user_limit})
    report = await installation.reloading.reload()
    assert report.applied == ()
    assert installation.applied[0].gate.model_fields_set == {"user_limit"}


async def test_settings_put_back_no_longer_wait_for_a_restart() -> None:
    installation = Installation()
    installation.change(llm={"num_ctx": 2048})
    assert (await installation.reloading.reload()).restart == ("llm.num_ctx",)
    installation.change()
    assert (await installation.reloading.reload()).restart == ()
    assert len(installation.notices) == 1


async def test_many_wishes_at_once_are_two_readings_and_never_two_at_a_time() -> None:
    installation = Installation()
    first = asyncio.ensure_future(installation.reloading.reload())  # noqa: TID251
    await asyncio.sleep(0)
    installation.change(gate={"user_limit": 3})
    later = await asyncio.gather(*(installation.reloading.reload() for _ in range(20)))
    await first
    assert installation.loads == 2
    assert installation.reloading.current.gate.user_limit == 3
    assert len(later) == 20


# -- files


class Watched:
    """A folder that is watched; ``reloads`` counts how often its files were read."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.toml"
        self.dotenv = folder / ".env"
        self.reloads = 0
        self._seconds = 0.02
        self._news = asyncio.Event()

    def watch(self) -> ConfigWatch:
        files = [self.config, self.dotenv]
        return ConfigWatch(files, stamps(files), self._reload, seconds=self._seconds)

    async def _reload(self) -> None:
        self.reloads += 1
        self._news.set()

    async def reloaded(self) -> None:
        async with asyncio.timeout(5):
            await self._news.wait()
        self._news.clear()

    async def looks(self, number: int) -> None:
        await asyncio.sleep(self._seconds * number)


def _older(path: Path) -> None:
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - 10**9))


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_text(path.read_text())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda watched: watched.config.write_text("[llm]\n# longer"),
        lambda watched: _older(watched.config),
        lambda watched: _replaced(watched.config),
        lambda watched: watched.config.unlink(),
        lambda watched: watched.config.rename(watched.config.with_name("old")),
        lambda watched: watched.dotenv.write_text("A=b\n"),
    ],
    ids=["written", "another time", "replaced in place", "deleted", "renamed", "created"],
)
async def test_a_changed_file_is_read_once(
    tmp_path: Path, change: Callable[[Watched], object]
) -> None:
    watched = Watched(tmp_path)
    watched.config.write_text("[llm]\n")
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched.watch().run())
        await watched.looks(4)
        assert watched.reloads == 0
        change(watched)
        await watched.reloaded()
        await watched.looks(6)
        assert watched.reloads == 1
        watching.cancel()


async def test_a_file_being_written_is_left_alone_until_it_rests(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watched.watch().run())
        for length in range(60):
            watched.config.write_text("#" * length)
            await asyncio.sleep(0.005)
            assert watched.reloads == 0
        await watched.reloaded()
        watching.cancel()
    assert watched.reloads == 1


async def test_what_changed_since_the_settings_were_read_is_noticed(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watch = watched.watch()
    watched.config.write_text("changed before the watch began")
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch.run())
        await watched.reloaded()
        watching.cancel()
