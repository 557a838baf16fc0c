"""No generator is suspended inside a task group or a timeout.

Both cancel the task that entered them; with a ``yield`` inside, that is whoever happens to be
iterating when it strikes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source_tree import ROOT, parsed, product_files

_SCOPES = frozenset({"TaskGroup", "timeout", "timeout_at"})
_EXEMPT = "asynccontextmanager"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def suspended_scopes(tree: ast.AST) -> Iterator[int]:
    """Yield the line of every ``yield`` inside a scope that cancels its task."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and not _is_context_manager(node):
            yield from _yields(node.body, inside=False)


def _is_context_manager(function: ast.AsyncFunctionDef) -> bool:
    return any(_name(decorator) == _EXEMPT for decorator in function.decorator_list)


def _yields(nodes: Iterator[ast.AST] | list[ast.stmt], *, inside: bool) -> Iterator[int]:
    for node in nodes:
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if inside and isinstance(node, ast.Yield | ast.YieldFrom):
            yield node.lineno
        enters = isinstance(node, ast.AsyncWith) and any(
            _name(item.context_expr) in _SCOPES for item in node.items
        )
        yield from _yields(ast.iter_child_nodes(node), inside=inside or enters)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_no_generator_of_the_product_is_suspended_inside_a_scope():
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in product_files()
        for line in suspended_scopes(parsed(path))
    ]
    assert not found


@pytest.mark.parametrize("scope", ["asyncio.TaskGroup()", "TaskGroup()", "asyncio.timeout(1)"])
def test_a_planted_yield_is_found(scope: str):
    code = f"async def f():\n  async with {scope} as s:\n    for x in y:\n      yield x\n"
    assert list(suspended_scopes(ast.parse(code))) == [4]


@pytest.mark.parametrize(
    "code",
    [
        "@asynccontextmanager\nasync def f():\n  async with TaskGroup():\n    yield 1\n",
        "@contextlib.asynccontextmanager\nasync def f():\n  async with timeout(1):\n    yield 1\n",
        "async def f():\n  async with timeout(1):\n    x = await y\n  yield x\n",
        "async def f():\n  async with aclosing(g()) as g:\n    yield 1\n",
        "async def f():\n  async with timeout(1):\n    def g():\n      yield 1\n",
    ],
)
def test_safe_forms_are_left_alone(code: str):
    assert not list(suspended_scopes(ast.parse(code)))
