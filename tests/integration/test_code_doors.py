"""Running code from Discord and the console, and what the doctor says of it."""

from __future__ import annotations

import io
import json

import pytest
from discord import app_commands

from frontends.console.talk import Talk
from frontends.console.views import JsonView
from frontends.discord import bot as bot_module
from frontends.discord.code_text import code_answer
from services.code_runner.values import LONGEST_CODE, CodeResult
from services.doctor.check import Case
from services.doctor.checks.code import CHECKS
from services.domain.clock import SystemClock
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author
from services.settings import CodeSettings, Settings
from tests.discord_standin.scene import scene
from tests.fakes.app import opened_app
from tests.fakes.discord_commands import command_app, told
from tests.fakes.scripted_model import ScriptedModel

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

HERE = ConversationId("console", "local", "main")
ME = Author(id=AuthorId("console", "me"), display_name="Me")
ON = CodeSettings(enabled=True, seconds=10.0)


@pytest.fixture(autouse=True)
def _only_these(monkeypatch):
    monkeypatch.setattr(bot_module, "COGS", ("code",))
    monkeypatch.setattr(app_commands.checks, "cooldown", lambda *_: lambda command: command)


@pytest.fixture
async def town():
    async with scene(limits=False) as place:
        yield place


async def form_of(town, person, name):
    asked = person.uses(town.general, town.bot, name)
    await town.until(lambda: asked.answer_type == 9 or person.answers_to(asked))
    return asked


async def test_code_is_run_and_checked_by_form_and_menu(town, tmp_path):
    async with command_app(town, ScriptedModel("x"), tmp_path, code=ON):
        form = await form_of(town, town.bob, "code run")
        done = town.bob.submits(form, code="print('```', '@everyone')\n6*7")
        answer = (await told(town, town.bob, done))[0]
        assert answer.startswith("```\n")
        assert answer.count("```") == 2
        assert "=> 42" in answer
        form = await form_of(town, town.bob, "code check")
        done = town.bob.submits(form, code="def f(:")
        assert "SyntaxError in line 1" in (await told(town, town.bob, done))[0]
        form = await form_of(town, town.bob, "code run")
        done = town.bob.submits(form, code="for i in range(2000): print(i)")
        await told(town, town.bob, done)
        (message,) = town.bob.answers_to(done)
        assert [each.filename for each in message.attachments] == ["result.txt"]
        said = town.alice.says(town.general, "Try\n```py\nprint(2 ** 10)\n```")
        done = town.bob.uses_on(said, town.bot, "Run code")
        assert "1024" in (await told(town, town.bob, done))[0]
        plain = town.alice.says(town.general, "No code here")
        done = town.bob.uses_on(plain, town.bot, "Run code")
        assert "no code block" in (await told(town, town.bob, done))[0]


async def test_off_or_above_ones_role_it_is_refused_before_the_form(town, tmp_path):
    async with command_app(town, ScriptedModel("x"), tmp_path):
        form = await form_of(town, town.alice, "code run")
        assert "switched off" in (await told(town, town.alice, form))[0]


async def test_members_are_refused_where_moderators_alone_run_code(town, tmp_path):
    strict = CodeSettings(enabled=True, permission="moderator")
    async with command_app(town, ScriptedModel("x"), tmp_path, code=strict):
        form = await form_of(town, town.bob, "code check")
        assert "Only moderators" in (await told(town, town.bob, form))[0]
        form = await form_of(town, town.alice, "code run")
        done = town.alice.submits(form, code="1/0")
        assert "ZeroDivisionError" in (await told(town, town.alice, done))[0]


@pytest.fixture
async def said(tmp_path):
    """A way to type a line and see the one thing that was shown."""
    async with opened_app(tmp_path, ScriptedModel("x"), code=ON) as app:
        out = io.StringIO()
        talk = Talk(app.factory, view=JsonView(out), author=ME, conversation=HERE)

        async def type_in(line):
            out.seek(0)
            out.truncate()
            await talk.hear(line)
            return json.loads(out.getvalue().splitlines()[-1])

        yield type_in


async def test_the_console_runs_lines_and_files(said, tmp_path):
    shown = await said("/code x = 5\nprint(x)\nx * 2")
    assert (shown["output"], shown["value"], shown["error"]) == ("5\n", "10", "")
    file = tmp_path / "sum.py"
    file.write_text("\ufeffsum(range(5))")
    assert (await said(f"/code @{file}"))["value"] == "10"
    assert "complexity 1" in (await said(f"/code_check @{file}"))["value"]
    assert "ZeroDivisionError" in (await said("/code 1/0"))["error"]
    file.write_text("#" * (LONGEST_CODE + 1))
    for line, code in (
        (f"/code @{file}", "code_long"),
        (f"/code @{tmp_path}", "code_file"),
        ("/code @no\x00where", "code_file"),
        ("/code @~nobody-at-all/x.py", "code_file"),
        ("/code", "argument_missing"),
    ):
        assert (await said(line))["code"] == code, line


async def test_characters_have_the_tools_only_where_it_is_on(tmp_path):
    for number, settings in enumerate((ON, CodeSettings())):
        async with opened_app(tmp_path / str(number), ScriptedModel("x"), code=settings) as app:
            names = {spec.name for kit in app.factory.tools() for spec in kit}
            assert ({"run_python", "analyze_code"} <= names) is settings.enabled


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        (CodeSettings(), "skipped"),
        (ON, "ok"),
    ],
)
async def test_the_doctor_starts_the_sandbox(settings, status, tmp_path):
    found = await CHECKS[0].examine(case_of(settings, tmp_path))
    wanted = {status, "warning"} if status == "ok" else {status}
    assert found.status in wanted  # type: ignore[union-attr]


async def test_the_doctor_names_a_missing_interpreter(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    found = await CHECKS[0].examine(case_of(ON, tmp_path))
    assert found.status == "problem"  # type: ignore[union-attr]
    assert "pydantic-monty" in found.sentence  # type: ignore[union-attr]


async def test_the_doctor_names_a_sandbox_that_does_not_start(tmp_path, monkeypatch):
    broken = tmp_path / "monty"
    broken.write_text("#!/bin/false\n")
    broken.chmod(0o755)
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path))
    found = await CHECKS[0].examine(case_of(ON, tmp_path))
    assert found.status == "problem"  # type: ignore[union-attr]
    assert "does not start" in found.sentence  # type: ignore[union-attr]


def case_of(settings, folder):
    loaded = Settings(code=settings)
    return Case(
        settings=loaded, storage=loaded.storage, environ={}, cwd=folder, clock=SystemClock()
    )


def test_nothing_gets_out_of_the_code_block():
    hostile = "`````\n``````\n`` `\n@everyone\x1b[2J\x00\u202e[x](https://evil.example)"
    result = CodeResult(output=hostile, value="```", error="", seconds=1.0, cut=False)
    text, files = code_answer(result)
    assert files == []
    assert text.startswith("```\n")
    assert text.count("```") == 2
    assert "\x1b" not in text
    assert "\u202e" not in text
    long, files = code_answer(
        CodeResult(output="`" * 9_000, value="", error="", seconds=1.0, cut=True)
    )
    assert long.count("```") == 2
    assert len(long) < 2_000
    assert len(files) == 1
