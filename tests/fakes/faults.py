"""An installation that works, and every way in which one is broken for the doctor."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from aiohttp import web
from sqlalchemy import insert

from services.configuration import load_settings
from services.doctor.check import Case
from services.domain.clock import SystemClock
from services.domain.errors import ConfigurationError
from services.settings import Settings, StorageSettings
from services.storage.connection import sqlite_engine
from services.storage.tables import attachments, blobs, conversations, messages
from services.voice.engines.model_catalog import SMART_TURN
from tests.fakes.card_files import png, text, v2, v3
from tests.fakes.ollama_server import Answer, FakeOllama, Model
from tests.fakes.openai_server import FakeOpenAi
from tests.journeys.program import ROOT, Program

SECRET = "sk-planted-9f8e7d6c5b4a"
PRIVATE_NAME = "Lysandra"
SAID = "nobody must read this sentence"

_YESTERDAY = 25 * 3600.0


class StillClock:
    """Shows the same moment for ever."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def monotonic(self) -> float:
        return 0.0


class Installation:
    """One data folder, one settings file, a model server; nothing is wrong with it."""

    def __init__(self, folder: Path, server: FakeOllama, *, blank: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.server = server
        self.program = Program(folder, data=self.data).asking(server.url)
        self.program.env |= {
            "ACORE_WEB__ENABLED": "true",
            "ACORE_WEB__PORT": "0",
            "HOME": str(folder / "home" / "jo"),
        }
        shutil.copytree(blank, self.data)
        (folder / "home" / "jo").mkdir(parents=True)
        self.write("config.toml", '[persona]\nuser_name = "Sam"\n')

    @property
    def env(self) -> dict[str, str]:
        return self.program.env

    @property
    def database(self) -> Path:
        return self.data / "acore.db"

    def write(self, name: str, text: str | bytes, *, age: float = 0.0) -> Path:
        """Write a file, ``age`` seconds ago."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if age:
            moment = SystemClock().now().timestamp() - age
            os.utime(path, (moment, moment))
        return path

    def case(self) -> Case:
        """Return the same installation for a look from inside this process."""
        settings: Settings | ConfigurationError
        try:
            settings = load_settings(
                overrides={"storage.data": self.data}, environ=self.env, cwd=self.folder
            )
        except ConfigurationError as error:
            settings = error
        return Case(
            settings=settings,
            storage=StorageSettings(data=self.data),
            environ=self.env,
            cwd=self.folder,
            clock=SystemClock(),
        )

    def say(self, *, at: datetime, attachment: str | None = None) -> None:
        """Record a message, with an attachment whose file is not there."""
        place = {"platform": "test", "scope": "s", "channel": "c"}
        values: dict[str, object] = {
            "id": "m1",
            "conversation_id": "c1",
            "ordinal": 1,
            "active": True,
            "author_platform": "test",
            "author_user": "jo",
            "author_kind": "human",
            "author_name": "Jo",
            "source": "native",
            "visibility": "public",
            "modality": "text",
            "written": SAID,
            "hop": 0,
            "created_at": at,
        }
        conversation = {"created_at": at, "last_activity_at": at, "next_ordinal": 2}
        with sqlite_engine(self.database, access="write", busy_timeout=1.0).begin() as connection:
            connection.exec_driver_sql("BEGIN")
            connection.execute(insert(conversations).values(id="c1", **place, **conversation))
            connection.execute(insert(messages).values(**values))
            if attachment is not None:
                file = {"sha256": attachment, "media_type": "image/png", "size": 1}
                connection.execute(insert(blobs).values(**file, created_at=at, last_used_at=at))
                connection.execute(
                    insert(attachments).values(
                        id="a1", message_id="m1", position=0, kind="image", name="a.png", **file
                    )
                )

    def card(self, name: str, text: str) -> None:
        """Add a character of the user's own."""
        self.write(f"data/characters/{name}/card.json", text)

    def sql(self, statement: str) -> None:
        """Change the database behind the program's back."""
        with sqlite_engine(self.database, access="write", busy_timeout=1.0).connect() as connection:
            connection.exec_driver_sql(statement)


@asynccontextmanager
async def installed(folder: Path, *, blank: Path) -> AsyncIterator[Installation]:
    """Set up a working installation in ``folder``; ``blank`` is a migrated data folder."""
    async with FakeOllama().running() as server:
        yield Installation(folder, server, blank=blank)


Seed = Callable[[Installation], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, and what the doctor has to say about it.

    ``says`` and ``fix`` are what the sentences contain. ``inside`` changes what is read from the
    machine, which only a look from inside this process can have. ``repaired`` ones are put right by
    ``--fix``; ``program`` ones stand for their kind when only some are tried in a process of their
    own.
    """

    name: str
    check: str
    says: str
    fix: str
    seed: Seed
    status: str = "problem"
    code: int = 2
    arguments: Sequence[str] = ()
    inside: Callable[[Case], Case] | None = None
    repaired: bool = False
    program: bool = False


def _at_once(change: Callable[[Installation], object]) -> Seed:
    @asynccontextmanager
    async def seed(installation: Installation) -> AsyncIterator[None]:
        change(installation)
        yield

    return seed


def _env(**variables: str) -> Seed:
    return _at_once(lambda it: it.env.update(variables))


def _config(text: str) -> Seed:
    return _at_once(lambda it: it.write("config.toml", text))


def _models(models: Mapping[str, Model]) -> Seed:
    def change(it: Installation) -> None:
        it.server.models = dict(models)

    return _at_once(change)


def _file_for_folder(it: Installation) -> None:
    shutil.rmtree(it.data)
    it.write("data", "not a folder")


def _damage(it: Installation) -> None:
    content = bytearray(it.database.read_bytes())
    content[4096 : 4096 * 3] = os.urandom(4096 * 2)
    it.database.write_bytes(content)


def _log_folder(it: Installation) -> None:
    shutil.rmtree(it.data / "logs", ignore_errors=True)
    it.write("data/logs", "not a folder")


def _emptied(it: Installation) -> None:
    it.database.unlink()
    it.sql("PRAGMA user_version = 1")


def _refusing(it: Installation) -> None:
    it.server.default = Answer(status=400, error="this model is broken")


def _stray(it: Installation) -> None:
    it.write(f"data/blobs/ab/{'c' * 62}", b"x")


def _twins(it: Installation) -> None:
    for name in (PRIVATE_NAME, "Other"):
        own = {"acore": {"id": "twin"}}
        card = {"spec": "chara_card_v3", "data": {"name": name, "extensions": own}}
        it.card(name, json.dumps(card))


def _cut_off(it: Installation) -> None:
    it.write(f"data/characters/{PRIVATE_NAME}.png", png(text("chara", v2()))[:-20])


def _bad_book(it: Installation) -> None:
    it.card("wren", json.dumps(v3(name="Wren")))
    it.write("data/characters/wren/lorebook.json", "{")


def _open_dotenv(it: Installation) -> None:
    it.write(".env", f"OPENAI_API_KEY={SECRET}\n").chmod(0o644)


@asynccontextmanager
async def _used_by_another(it: Installation) -> AsyncIterator[None]:
    lock = (it.data / "acore.db.lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def _port_taken(it: Installation) -> AsyncIterator[None]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        it.env["ACORE_WEB__PORT"] = str(other.getsockname()[1])
        yield


@asynccontextmanager
async def _something_else(it: Installation) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", _page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.env["OLLAMA_HOST"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<html>hello</html>", content_type="text/html")


def _hosted(*, key: str, models: Mapping[str, dict[str, object]]) -> Seed:
    @asynccontextmanager
    async def seed(it: Installation) -> AsyncIterator[None]:
        async with FakeOpenAi(key="sk-the-right-one", models=dict(models)).running() as server:
            it.env.update(
                ACORE_OPENAI__API_KEY=key,
                ACORE_OPENAI__BASE_URL=server.url,
                ACORE_LLM__ENDPOINT="openai",
            )
            yield

    return seed


def _broken_template(case: Case) -> Case:
    project = case.cwd / "project"
    shutil.copytree(ROOT / "prompts", project / "prompts")
    (project / "prompts" / "persona" / "system.md.j2").write_text("{% if %}")
    return replace(case, project=project)


def _other_pins(case: Case) -> Case:
    project = case.cwd / "pins"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\ndependencies = ["aiohttp==0.0.1", "not-there-at-all==1.0"]\n'
    )
    return replace(case, project=project)


def _without(module: str) -> Seed:
    """Hide a package, here and from programs that are started."""

    @asynccontextmanager
    async def seed(it: Installation) -> AsyncIterator[None]:
        hiding = f"import sys\nsys.modules[{module!r}] = None\n"
        it.env["PYTHONPATH"] = str(it.write("hiding/sitecustomize.py", hiding).parent)
        with patch.dict(sys.modules, {module: None}):
            yield

    return seed


def _with_empty_models(case: Case) -> Case:
    return replace(case, voice_models=case.cwd / "no-models")


def _with_damaged_model(case: Case) -> Case:
    folder = case.cwd / "models" / SMART_TURN.folder_name
    folder.mkdir(parents=True)
    for file in SMART_TURN.files:
        with (folder / file.name).open("wb") as out:
            out.truncate(file.size)
    return replace(case, voice_models=folder.parent)


_WRONG_CARD = '{"spec": "chara_card_v3", "data": {'
_OLD = timedelta(days=3)

FAULTS: Sequence[Fault] = (
    Fault(
        name="typo in config.toml",
        program=True,
        check="settings",
        says="llm.modle",
        fix="Write llm.model",
        seed=_config('[llm]\nmodle = "tiny"\n'),
        code=1,
    ),
    Fault(
        name="secret in config.toml",
        program=True,
        check="settings",
        says="openai.api_key is a secret",
        fix="ACORE_OPENAI__API_KEY",
        seed=_config(f'[openai]\napi_key = "{SECRET}"\n'),
        code=1,
    ),
    Fault(
        name="unknown variable",
        check="settings",
        says="ACORE_LLM__MODLE",
        fix="ACORE_LLM__MODEL",
        seed=_env(ACORE_LLM__MODLE="x"),
        code=1,
    ),
    Fault(
        name="config.toml that is no TOML",
        check="settings",
        says="line 2",
        fix="docs/configuration.md",
        seed=_config("[llm]\nmodel = \n"),
        code=1,
    ),
    Fault(
        name="value out of bounds",
        check="settings",
        says="llm.num_ctx",
        fix="docs/configuration.md",
        seed=_env(ACORE_LLM__NUM_CTX="12"),
        code=1,
    ),
    Fault(
        name=".env that others can read",
        program=True,
        check="dotenv",
        says="0644",
        fix="chmod 600",
        seed=_at_once(_open_dotenv),
        code=1,
        repaired=True,
    ),
    Fault(
        name="file in place of the data folder",
        program=True,
        check="data_folder",
        says="is a file",
        fix="--data",
        seed=_at_once(_file_for_folder),
    ),
    Fault(
        name="disk almost full",
        check="disk_space",
        says="90.0 MB left",
        fix="Free some space",
        seed=_at_once(lambda it: None),
        inside=lambda case: replace(case, free_bytes=lambda folder: 90 * 2**20),
    ),
    Fault(
        name="data on a network disk",
        check="disk_kind",
        says="nfs4",
        fix="--data",
        status="warning",
        code=0,
        seed=_at_once(lambda it: None),
        inside=lambda case: replace(case, mounts=lambda: "server:/x / nfs4 rw 0 0\n"),
    ),
    Fault(
        name="log that cannot be written",
        check="log",
        says="nothing that goes wrong is recorded",
        fix="ACORE_LOGGING__FILE",
        seed=_at_once(_log_folder),
    ),
    Fault(
        name="broken-off download",
        program=True,
        check="leftovers",
        says="1 temporary file",
        fix="doctor --fix",
        status="warning",
        code=0,
        seed=_at_once(lambda it: it.write("data/models/a.gguf.part", b"GGUF", age=_YESTERDAY)),
        repaired=True,
    ),
    Fault(
        name="damaged database",
        program=True,
        check="database",
        says="is damaged",
        fix="backup",
        seed=_at_once(_damage),
    ),
    Fault(
        name="database that is none",
        check="database",
        says="is damaged",
        fix="backup",
        seed=_at_once(lambda it: it.write("data/acore.db", "something else entirely")),
    ),
    Fault(
        name="database of a newer acore",
        check="schema",
        says="newer acore",
        fix="pdate acore",
        seed=_at_once(lambda it: it.sql("UPDATE alembic_version SET version_num = '9999'")),
    ),
    Fault(
        name="database of another program",
        check="schema",
        says="another program",
        fix="--data",
        seed=_at_once(lambda it: it.sql("DROP TABLE alembic_version")),
    ),
    Fault(
        name="database without a revision",
        check="schema",
        says="older revision",
        fix="main.py migrate",
        status="warning",
        code=0,
        seed=_at_once(_emptied),
        repaired=True,
    ),
    Fault(
        name="another acore running",
        check="lock",
        says="Another acore",
        fix="stop it",
        status="warning",
        code=0,
        seed=_used_by_another,
    ),
    Fault(
        name="attachment whose file is gone",
        check="attachments",
        says="1 attachment",
        fix="blobs",
        status="warning",
        code=0,
        seed=_at_once(lambda it: it.say(at=SystemClock().now(), attachment="ab" + "d" * 62)),
    ),
    Fault(
        name="attachment file without a row",
        check="attachments",
        says="without a row",
        fix="Delete",
        status="warning",
        code=0,
        seed=_at_once(_stray),
    ),
    Fault(
        name="no backup",
        check="backups",
        says="no backup",
        fix="main.py backup",
        status="warning",
        code=0,
        seed=_at_once(lambda it: it.say(at=SystemClock().now() - _OLD)),
    ),
    Fault(
        name="old backup",
        check="backups",
        says="days old",
        fix="main.py backup",
        status="warning",
        code=0,
        seed=_at_once(lambda it: it.write("backups/acore-20260101-040000.tar", b"x")),
    ),
    Fault(
        name="message from the future",
        program=True,
        check="clock",
        says="newest message",
        fix="Set the machine's clock",
        seed=_at_once(lambda it: it.say(at=SystemClock().now() + timedelta(days=2))),
    ),
    Fault(
        name="clock before the release",
        check="clock",
        says="2020-01-01",
        fix="NTP",
        seed=_at_once(lambda it: None),
        inside=lambda case: replace(case, clock=StillClock(datetime(2020, 1, 1, tzinfo=UTC))),
    ),
    Fault(
        name="broken card",
        program=True,
        check="characters",
        says="L…/card.json",
        fix="chara_card_v3",
        seed=_at_once(lambda it: it.card(PRIVATE_NAME, _WRONG_CARD)),
    ),
    Fault(
        name="broken card file",
        check="characters",
        says="L….png is cut off",
        fix="chara_card_v3",
        seed=_at_once(_cut_off),
    ),
    Fault(
        name="broken lorebook beside a card",
        check="characters",
        says="lorebook",
        fix="Correct",
        status="warning",
        code=0,
        seed=_at_once(_bad_book),
    ),
    Fault(
        name="two cards with the same id",
        check="characters",
        says="same id",
        fix="extensions.acore.id",
        status="warning",
        code=0,
        seed=_at_once(_twins),
    ),
    Fault(
        name="default character missing",
        check="default_character",
        says="persona.default",
        fix="such as",
        seed=_env(ACORE_PERSONA__DEFAULT=PRIVATE_NAME),
        code=1,
    ),
    Fault(
        name="broken prompt",
        check="prompts",
        says="persona/system.md.j2",
        fix="restore it",
        seed=_at_once(lambda it: None),
        inside=_broken_template,
    ),
    Fault(
        name="package missing",
        check="packages",
        says="not-there-at-all",
        fix="make setup",
        seed=_at_once(lambda it: None),
        inside=_other_pins,
    ),
    Fault(
        name="web server open to everybody",
        check="web_access",
        says="without a token",
        fix="ACORE_WEB__TOKEN",
        seed=_env(ACORE_WEB__HOST="0.0.0.0"),
        code=1,
    ),
    Fault(
        name="port in use",
        check="web_port",
        says="another program",
        fix="web.port",
        seed=_port_taken,
    ),
    Fault(
        name="Ollama address that is none",
        check="ollama",
        says="does not begin with http",
        fix="OLLAMA_HOST",
        seed=_env(OLLAMA_HOST="ftp://127.0.0.1:1"),
        code=1,
    ),
    Fault(
        name="Ollama not running",
        program=True,
        check="ollama",
        says="does not answer",
        fix="ollama serve",
        seed=_env(OLLAMA_HOST="https://jo:hunter22@127.0.0.1"),
    ),
    Fault(
        name="something else at Ollama's address",
        check="ollama",
        says="not an Ollama server",
        fix="OLLAMA_HOST",
        seed=_something_else,
    ),
    Fault(
        name="model not there",
        check="ollama_model",
        says="qwen3:8b",
        fix="main.py model pull qwen3:8b",
        seed=_env(OLLAMA_MODEL="qwen3:8b"),
    ),
    Fault(
        name="model that cannot chat",
        check="ollama_model",
        says="cannot chat",
        fix="llm.model",
        seed=_models({"tiny": Model(capabilities=["embedding"])}),
        code=1,
    ),
    Fault(
        name="context longer than the model knows",
        check="ollama_context",
        says="2048",
        fix="llm.num_ctx",
        status="warning",
        code=0,
        seed=_models({"tiny": Model(context_length=2048)}),
    ),
    Fault(
        name="model file that is none",
        check="embedded_model",
        says="not a GGUF file",
        fix="make model",
        seed=_at_once(
            lambda it: it.env.update(
                ACORE_LLM__EMBEDDED="always",
                ACORE_EMBEDDED__MODEL=str(it.write("broken.gguf", b"no model" * 100)),
            )
        ),
    ),
    Fault(
        name="built-in model missing",
        check="embedded_model",
        says="is not there",
        fix="make model",
        seed=_env(ACORE_LLM__EMBEDDED="always", ACORE_EMBEDDED__MODEL="not-there"),
    ),
    Fault(
        name="hosted endpoint without a key",
        check="hosted",
        says="no key",
        fix="ACORE_OPENROUTER__API_KEY",
        seed=_env(ACORE_LLM__ENDPOINT="openrouter"),
        code=1,
    ),
    Fault(
        name="no davey",
        program=True,
        check="voice_discord",
        says="The package davey is not installed",
        fix="make setup",
        status="warning",
        code=0,
        seed=_without("davey"),
    ),
    Fault(
        name="no PyAV",
        check="voice_discord",
        says="The package av (PyAV) is not installed",
        fix="make setup",
        status="warning",
        code=0,
        seed=_without("av"),
    ),
    Fault(
        name="no Piper",
        check="voice_speech",
        says="Nothing can speak in calls. Piper needs the module piper",
        fix="make setup",
        status="warning",
        code=0,
        seed=_without("piper"),
        inside=_with_empty_models,
    ),
    Fault(
        name="voice engine asked for and not set up",
        check="voice_speech",
        says="No speech server is set up",
        fix="voice.speech_url",
        status="warning",
        code=0,
        seed=_env(ACORE_VOICE__SPEECH="openai, piper"),
    ),
    Fault(
        name="no faster-whisper",
        check="voice_ears",
        says="Listening needs the module faster_whisper",
        fix="make setup",
        status="warning",
        code=0,
        seed=_without("faster_whisper"),
    ),
    Fault(
        name="no such Whisper model",
        program=True,
        check="voice_ears",
        says="There is no Whisper model enormous",
        fix="models/ears",
        status="warning",
        code=0,
        seed=_env(ACORE_VOICE__EARS_MODEL="enormous"),
    ),
    Fault(
        name="voice models not fetched",
        check="voice_turns",
        says="The model Smart Turn is not installed",
        fix="make model",
        status="warning",
        code=0,
        seed=_at_once(lambda it: None),
        inside=_with_empty_models,
    ),
    Fault(
        name="damaged voice model",
        check="voice_models",
        says="Smart Turn has a wrong smart-turn-v3.2-cpu.onnx",
        fix="make model",
        seed=_at_once(lambda it: None),
        inside=_with_damaged_model,
    ),
    Fault(
        name="half of Supertonic",
        check="voice_supertonic",
        says="models/supertonic/onnx/duration_predictor.onnx",
        fix="Download Supertonic's release",
        status="warning",
        code=0,
        seed=_at_once(lambda it: it.write("data/models/supertonic/onnx/vocoder.onnx", b"")),
    ),
    Fault(
        name="placeholder for a key",
        check="hosted",
        says="placeholder",
        fix="ACORE_OPENAI__API_KEY",
        seed=_env(OPENAI_API_KEY="your-key-here"),
        code=1,
    ),
    Fault(
        name="key that is refused",
        check="hosted_key",
        says="refuses the key",
        fix="new key",
        seed=_hosted(key=SECRET, models={"tiny": {}}),
        code=1,
        arguments=("--live",),
        program=True,
    ),
    Fault(
        name="hosted model not listed",
        check="hosted_key",
        says="does not list tiny",
        fix="spelling",
        status="warning",
        seed=_hosted(key="sk-the-right-one", models={"other": {}}),
        arguments=("--live",),
        program=True,
    ),
    Fault(
        name="model that fails when it is asked",
        check="answer",
        says="gave no answer",
        fix=".",
        seed=_at_once(_refusing),
        arguments=("--live",),
        program=True,
    ),
)
