"""What can be told of Python code without running it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

_MOST_NAMES = 40
_BRANCHES = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.IfExp,
    ast.comprehension,
    ast.match_case,
    ast.Assert,
)


def analyse(code: str) -> str:
    """Return what the code defines, imports and calls, and its cyclomatic complexity, as lines.

    The complexity is McCabe's: one, and one more for each branch and each ``and`` or ``or``. Raises
    ``SyntaxError``, and what the parser raises for code that is too deep or no text.
    """
    tree = ast.parse(code)
    nodes = list(ast.walk(tree))
    functions = [each for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    known = set(dir(builtins))
    stored = {each.id for each in nodes if isinstance(each, ast.Name) and _stores(each)}
    stored |= {each.arg for each in nodes if isinstance(each, ast.arg)}
    stored |= {each.name for each in functions}
    stored |= {each.name for each in nodes if isinstance(each, ast.ClassDef)}
    imported = set(_imports(nodes))
    stored |= {name.partition(".")[0] for name in imported} | set(_aliases(nodes))
    read = {each.id for each in nodes if isinstance(each, ast.Name) and not _stores(each)}
    lines = [
        f"{len(code.splitlines())} lines, {len(functions)} functions, "
        f"{sum(isinstance(each, ast.ClassDef) for each in nodes)} classes, "
        f"complexity {_complexity(nodes)}."
    ]
    lines += [
        f"Function {each.name}: line {each.lineno}, complexity {_complexity(ast.walk(each))}."
        for each in functions[:_MOST_NAMES]
    ]
    for title, names in (
        ("Imports", imported),
        ("Built-in names used", read & known),
        ("Names used but never set", read - known - stored),
    ):
        if names:
            lines.append(f"{title}: {', '.join(sorted(names)[:_MOST_NAMES])}.")
    return "\n".join(lines)


def _stores(name: ast.Name) -> bool:
    return not isinstance(name.ctx, ast.Load)


def _complexity(nodes: Iterator[ast.AST] | list[ast.AST]) -> int:
    count = 1
    for each in nodes:
        if isinstance(each, _BRANCHES):
            count += 1
        elif isinstance(each, ast.BoolOp):
            count += len(each.values) - 1
    return count


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for each in nodes:
        if isinstance(each, ast.Import):
            yield from (alias.name for alias in each.names)
        elif isinstance(each, ast.ImportFrom):
            yield each.module or "."


def _aliases(nodes: list[ast.AST]) -> Iterator[str]:
    for each in nodes:
        if isinstance(each, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in each.names)
