"""Variables: those of a conversation and those of all conversations."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING

from services.persona.macros.environment import Value

if TYPE_CHECKING:
    from services.persona.macros.engine import Call

MOST_VARIABLES = 1000
LONGEST_VALUE = 100_000

_NUMBER = re.compile(r"\s*+[+-]?(?:\d++\.?\d*+|\.\d++)(?:e[+-]?\d++)?\s*+", re.IGNORECASE)
_SHORTHAND = re.compile(
    r"\s*(?P<name>[A-Za-z](?:[\w-]*\w)?)\s*"
    r"(?P<operator>\+\+|--|\+=|-=|\|\|=|\?\?=|\|\||\?\?|==|!=|>=|<=|>|<|=)?(?P<operand>.*)",
    re.DOTALL,
)

Variables = MutableMapping[str, Value]
Function = Callable[["Call"], str | None]

SCOPED = frozenset({"setvar", "setglobalvar", "addvar", "addglobalvar"})


def shown(value: Value) -> str:
    """Return a value as text, whole numbers without a decimal point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def scoped(macro: Call) -> str | None:
    """Set or add what a macro encloses."""
    if macro.count != 1:
        return None
    kept = _of(macro)
    if macro.name.startswith("add"):
        _add(kept, macro.argument(0), macro.content())
    else:
        _set(kept, macro.argument(0), macro.content())
    return ""


def shorthand(macro: Call, text: str) -> str | None:
    """Return what ``.name`` or ``$name`` means, with the operator that may follow it."""
    environment = macro.environment
    kept = environment.local if text.startswith(".") else environment.shared
    match = _SHORTHAND.fullmatch(text[1:])
    if match is None:
        return None
    operator, operand = match["operator"] or "", match["operand"].strip()
    if not operator and operand:
        return None
    return _operated(kept, match["name"], operator, operand)


def _operated(kept: Variables, name: str, operator: str, operand: str) -> str | None:
    current = kept.get(name)
    text = "" if current is None else shown(current)
    truthy = text.lower() not in {"", "false", "off", "0"}
    if operator in {"++", "--"}:
        return None if operand else _step(kept, name, 1 if operator == "++" else -1)
    if operator in {"||", "??"}:
        return text if (truthy if operator == "||" else current is not None) else operand
    if operator in {"==", "!=", ">", ">=", "<", "<="}:
        return str(_compared(text, operator, operand)).lower()
    if operator == "=":
        _set(kept, name, operand)
    elif operator == "+=":
        _add(kept, name, operand)
    elif operator == "-=":
        number = _number(operand)
        if number is not None:
            _add(kept, name, shown(-number))
    elif operator in {"||=", "??="}:
        if not (truthy if operator == "||=" else current is not None):
            _set(kept, name, operand)
            return operand
        return text
    else:
        return text
    return ""


def _compared(left: str, operator: str, right: str) -> bool:
    first, second = _number(left), _number(right)
    if operator in {"==", "!="}:
        same = first == second if first is not None and second is not None else left == right
        return same is (operator == "==")
    if first is None or second is None:
        return False
    return {
        ">": first > second,
        ">=": first >= second,
        "<": first < second,
        "<=": first <= second,
    }[operator]


def _of(macro: Call) -> Variables:
    return macro.environment.shared if "global" in macro.name else macro.environment.local


def _get(macro: Call) -> str | None:
    if macro.count != 1:
        return None
    return shown(_of(macro).get(macro.argument(0), ""))


def _set_macro(macro: Call) -> str | None:
    if macro.count < 2:
        return None
    _set(_of(macro), macro.argument(0), macro.rest(1))
    return ""


def _add_macro(macro: Call) -> str | None:
    if macro.count < 2:
        return None
    _add(_of(macro), macro.argument(0), macro.rest(1))
    return ""


def _step_macro(amount: int) -> Function:
    def step(macro: Call) -> str | None:
        return _step(_of(macro), macro.argument(0), amount) if macro.count == 1 else None

    return step


def _has(macro: Call) -> str | None:
    return str(macro.argument(0) in _of(macro)).lower() if macro.count == 1 else None


def _delete(macro: Call) -> str | None:
    if macro.count != 1:
        return None
    _of(macro).pop(macro.argument(0), None)
    return ""


def _shorthand_macro(macro: Call) -> str | None:
    return shorthand(macro, macro.name + macro.rest())


def _set(kept: Variables, name: str, value: str) -> None:
    if name in kept or len(kept) < MOST_VARIABLES:
        kept[name] = value[:LONGEST_VALUE]


def _add(kept: Variables, name: str, value: str) -> None:
    current = kept.get(name, "")
    augend = 0.0 if current == "" else _number(shown(current))
    addend = _number(value)
    if augend is None or addend is None:
        _set(kept, name, shown(current) + value)
    else:
        _set(kept, name, shown(augend + addend))


def _step(kept: Variables, name: str, amount: int) -> str:
    _add(kept, name, str(amount))
    return shown(kept.get(name, ""))


def _number(text: str) -> float | None:
    """Return the number a text is, an empty one being 0; ``None`` for anything else."""
    if not text.strip():
        return 0.0
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


FUNCTIONS: Mapping[str, Function] = {
    **{
        f"{verb}{scope}var": function
        for scope in ("", "global")
        for verb, function in (
            ("get", _get),
            ("set", _set_macro),
            ("add", _add_macro),
            ("inc", _step_macro(1)),
            ("dec", _step_macro(-1)),
            ("has", _has),
            ("delete", _delete),
        )
    },
    ".": _shorthand_macro,
    "$": _shorthand_macro,
}
