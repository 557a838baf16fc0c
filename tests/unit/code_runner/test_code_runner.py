"""Who may have code run, how often, and what reaches the sandbox."""

from __future__ import annotations

import asyncio

import pytest

from services.code_runner import service as service_module
from services.code_runner.blocks import code_in, unfenced
from services.code_runner.child.analysing import analyse
from services.code_runner.closed import Ran, _outcome
from services.code_runner.quota import HourlyQuota
from services.code_runner.service import CodeRunner
from services.code_runner.tools import code_tools
from services.code_runner.values import LONGEST_CODE, Bounds, CodeResult
from services.domain.calls import ToolCall
from services.domain.errors import Busy, InvalidRequest, NotAllowed, Refused, TooMany
from services.domain.ids import AuthorId, ConversationId, PersonaId, TurnId
from services.domain.people import Author, Role
from services.settings import CodeSettings
from services.toolbox.spec import ToolContext
from services.toolbox.toolbox import Toolbox

HERE = ConversationId("test", "local", "main")
SAM = Author(id=AuthorId("test", "sam"), display_name="Sam")
KIM = Author(id=AuthorId("test", "kim"), display_name="Kim")
ANSWER = CodeResult(output="hi\n", value="3", error="", seconds=0.01, cut=False)


class Process:
    """A sandbox that only writes down what it gets, and waits when told to."""

    def __init__(self):
        self.seen = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.result = ANSWER

    async def run(self, code, *, task, bounds):
        self.seen.append((task, code, bounds))
        await self.gate.wait()
        return Ran(result=self.result, guards=("limits",))


@pytest.fixture
def process():
    return Process()


def runner_of(process, clock, **changes):
    settings = CodeSettings.model_validate({"enabled": True, **changes})
    return CodeRunner(settings, clock=clock, process=process)


async def run(runner, code="1", *, by=SAM, role=Role.MEMBER):
    return await runner.run(code, by=by, role=role, where=HERE)


async def test_it_is_off_unless_switched_on(process, clock):
    runner = CodeRunner(CodeSettings(), clock=clock, process=process)
    with pytest.raises(Refused, match="code_off"):
        await run(runner, role=Role.OWNER)
    assert code_tools(runner) == ()
    assert process.seen == []


async def test_without_the_interpreter_it_refuses_to_be_switched_on(process, clock, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    runner = runner_of(process, clock)
    assert "pydantic-monty is missing" in runner.unavailable()
    assert code_tools(runner) == ()
    with pytest.raises(Refused, match="code_off"):
        await run(runner)


async def test_roles_below_the_one_set_are_refused(process, clock):
    runner = runner_of(process, clock, permission="moderator")
    with pytest.raises(NotAllowed):
        await run(runner, role=Role.MEMBER)
    assert (await run(runner, role=Role.MODERATOR)).value == "3"


async def test_an_hour_holds_so_many_runs_of_each_person(process, clock):
    runner = runner_of(process, clock, runs_per_hour=2)
    await run(runner)
    clock.advance(1800)
    await run(runner)
    with pytest.raises(TooMany) as refused:
        await run(runner)
    assert refused.value.retry_after == pytest.approx(1800)
    await run(runner, by=KIM)
    clock.advance(1800)
    await run(runner)
    with pytest.raises(TooMany):
        await run(runner)


def test_the_quota_forgets_who_came_longest_ago(clock, monkeypatch):
    monkeypatch.setattr("services.code_runner.quota._MOST_PEOPLE", 2)
    quota = HourlyQuota(clock)
    for name in ("a", "b", "c"):
        quota.take(name, most=1)
    quota.take("a", most=1)
    with pytest.raises(TooMany):
        quota.take("c", most=1)


async def test_only_so_many_run_at_once_and_too_many_are_not_taken_in(process, clock, monkeypatch):
    monkeypatch.setattr(service_module, "_MOST_WAITING", 3)
    runner = runner_of(process, clock, runs_at_once=2)
    process.gate.clear()
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(run(runner)) for _ in range(5)]
        while len(process.seen) < 2:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(process.seen) == 2
        with pytest.raises(Busy):
            await run(runner)
        process.gate.set()
    assert [task.result().value for task in running] == ["3"] * 5
    assert (await run(runner)).value == "3"


async def test_a_cancelled_run_gives_its_place_back(process, clock):
    runner = runner_of(process, clock, runs_at_once=1)
    process.gate.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(runner))
        while not process.seen:  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0)
        task.cancel()
    process.gate.set()
    assert (await run(runner)).value == "3"


async def test_the_settings_bound_a_run_and_fences_are_taken_off(process, clock):
    runner = runner_of(process, clock, seconds=2, memory_mb=16, output_characters=500)
    await run(runner, " ```python\nprint(1)\n```\n")
    assert process.seen == [
        ("run", "print(1)", Bounds(seconds=2.0, memory=16 << 20, characters=500))
    ]


async def test_no_code_and_too_much_code_are_refused_before_they_count(process, clock):
    runner = runner_of(process, clock, runs_per_hour=1)
    for code in ("", "  \n", "```\n```", "x" * (LONGEST_CODE + 1)):
        with pytest.raises(InvalidRequest):
            await run(runner, code)
    assert (await run(runner)).value == "3"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("print(1)", "print(1)"),
        ("```py\nprint(1)\n```", "print(1)"),
        ("```\nprint(1)\n```", "print(1)"),
        ("```print(1)```", "print(1)"),
        ("```py\na\n``` and ```py\nb\n```", "a"),
        ("```py\nnever closed", "never closed"),
        ("say `x`", "say `x`"),
        ("look:\n```python\nprint(1)\n```\nand more", "print(1)"),
    ],
)
def test_the_first_block_is_the_code(text, code):
    assert code_in(text) == code


def test_a_fence_inside_code_is_part_of_it():
    code = "print('```')\nprint('```')"
    assert unfenced(code) == code


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[1]",
        b"null",
        b"[" * 100_000,
        b'{"output": 1, "value": "", "error": "", "seconds": 1, "cut": false}',
        b'{"output": "", "value": "", "error": "", "seconds": "1", "cut": false}',
        b'{"output": "", "value": ""}',
    ],
)
def test_a_process_that_talks_nonsense_is_not_believed(line):
    assert _outcome(line, Bounds(seconds=1, memory=1, characters=10)) is None


def test_what_a_process_says_is_cut_and_can_be_written_out():
    said = b'{"output": "\\ud800xxxxxxxxxxxx", "value": "", "error": "", "seconds": 1, "cut": true}'
    result = _outcome(said, Bounds(seconds=1, memory=1, characters=4))
    assert result is not None
    assert result.output == "?xxx"


def context(asker=SAM, role=Role.MEMBER):
    return ToolContext(
        conversation=HERE, persona=PersonaId("mira"), turn=TurnId("t"), asker=asker, role=role
    )


async def call(tools, arguments, name="run_python", **who):
    made = ToolCall(id="c", name=name, arguments=arguments)
    return await tools.run(made, context(**who), limit=5_000)


async def test_characters_run_code_for_who_asks(process, clock):
    tools = Toolbox([code_tools(runner_of(process, clock))])
    told = await call(tools, {"code": "print('hi')\n1+2"})
    assert "hi\n=> 3" in told.content
    assert [each[0] for each in process.seen] == ["run"]
    await call(tools, {"code": "1+2"}, "analyze_code")
    assert process.seen[-1][0] == "analyse"


@pytest.mark.parametrize(
    "arguments", [{}, {"code": ""}, {"code": 5}, {"code": "x" * (LONGEST_CODE + 1)}]
)
async def test_wrong_arguments_run_nothing(process, clock, arguments):
    tools = Toolbox([code_tools(runner_of(process, clock))])
    assert (await call(tools, arguments)).is_error
    assert process.seen == []


async def test_nobody_and_guests_get_nothing_run(process, clock):
    tools = Toolbox([code_tools(runner_of(process, clock))])
    assert (await call(tools, {"code": "1"}, asker=None)).is_error
    assert (await call(tools, {"code": "1"}, role=Role.GUEST)).is_error
    assert process.seen == []


async def test_a_model_gets_both_ends_of_a_long_result(process, clock):
    process.result = CodeResult(
        output="start" + "x" * 9_000 + "end", value="", error="", seconds=1, cut=False
    )
    tools = Toolbox([code_tools(runner_of(process, clock))])
    told = (await call(tools, {"code": "1"})).content
    assert len(told) < 2_000
    assert "start" in told
    assert "end" in told


def test_code_is_looked_at_without_running_it():
    told = analyse(
        "import os, json as j\nfrom math import pi\n"
        "def f(a):\n  if a and pi:\n    return [x for x in a if x]\n  return missing\n"
        "class C: pass\nprint(f(j))\n"
    )
    assert told.splitlines() == [
        "8 lines, 1 functions, 1 classes, complexity 4.",
        "Function f: line 3, complexity 4.",
        "Imports: json, math, os.",
        "Built-in names used: print.",
        "Names used but never set: missing.",
    ]
