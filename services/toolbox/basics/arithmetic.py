"""Arithmetic as people write it, worked out without running code."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from simpleeval import SimpleEval

LONGEST_EXPRESSION = 500
_MOST_BITS = 4_096
_MOST_DIGITS = 60
_LARGEST_FACTORIAL = 500
_MOST_ROUNDED = 400

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
_PERCENT_OF = re.compile(r"(\d+(?:\.\d+)?)\s*%\s*(?:of|von)\s+", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%(?!\s*[\w(.])")
_WRITTEN = str.maketrans(
    {
        "\u00d7": "*",
        "·": "*",
        "÷": "/",
        "\u2212": "-",
        "\u2013": "-",
        "^": "**",
        "π": " pi ",
        "²": "**2",
        "³": "**3",
    }
)

Number = int | float


def calculate(expression: str) -> str:
    """Return what an expression comes to: whole numbers exactly, others to 12 digits.

    ``^`` and ``**`` are powers, ``20 % of 50`` and ``20%`` are hundredths; there are ``sqrt``,
    ``log`` and the like, ``pi`` and ``e``. Raises ``InvalidRequest`` for what is no arithmetic, has
    no result, or has one of more than 4,096 bits.
    """
    if len(expression) > LONGEST_EXPRESSION:
        raise _refused(_Why.LONG)
    text = _as_python(expression)
    try:
        value = _evaluator().eval(text)
    except ZeroDivisionError as error:
        raise _refused(_Why.ZERO) from error
    except (OverflowError, _TooLarge) as error:
        raise _refused(_Why.LARGE) from error
    except (ValueError, ArithmeticError) as error:
        raise _refused(_Why.NONE) from error
    except Exception as error:  # the parser raises many kinds for what is no number
        raise _refused(_Why.UNREADABLE) from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(_Why.UNREADABLE)
    return shown(value)


def shown(value: Number) -> str:
    """Return a number for reading; a long whole one is shortened to powers of ten."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(_Why.LARGE)
        return f"{value:.12g}"
    digits = str(value)
    if len(digits) <= _MOST_DIGITS:
        return digits
    sign, plain = ("-", digits[1:]) if value < 0 else ("", digits)
    return f"{sign}{plain[0]}.{plain[1:13]}e+{len(plain) - 1}"


class _TooLarge(Exception):  # noqa: N818
    pass


class _Why(StrEnum):
    LONG = f"an expression may have {LONGEST_EXPRESSION} characters"
    ZERO = "it divides by zero"
    LARGE = "the result is too large"
    NONE = "it has no result"
    UNREADABLE = "it is not arithmetic that I can read"


def _refused(why: _Why) -> InvalidRequest:
    return InvalidRequest("arithmetic", f"That cannot be calculated: {why}.")


def _as_python(expression: str) -> str:
    text = _THOUSANDS.sub("", expression.strip().removesuffix("=").translate(_WRITTEN))
    text = _PERCENT_OF.sub(r"(\1/100)*", text)
    return _PERCENT.sub(r"(\1/100)", text).strip()


def _power(base: Number, exponent: Number) -> Number:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 0 and int(base).bit_length() * exponent > _MOST_BITS:
        raise _TooLarge
    result: Any = base**exponent
    if isinstance(result, complex):
        raise ArithmeticError  # noqa: TRY004  the value is wrong, not its type
    return _small(result)


def _small(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise _TooLarge
    return value


def _numbers(work: Callable[..., Number]) -> Callable[..., Number]:
    """Return ``work`` for numbers alone, with a result that is not too large."""

    def checked(*values: object) -> Number:
        if any(isinstance(one, bool) or not isinstance(one, int | float) for one in values):
            raise TypeError
        return _small(work(*values))

    return checked


def _factorial(value: Number) -> int:
    if value != int(value) or not 0 <= value <= _LARGEST_FACTORIAL:
        raise _TooLarge
    return math.factorial(int(value))


def _root(value: Number) -> Number:
    whole = math.isqrt(value) if isinstance(value, int) and value >= 0 else 0
    return whole if whole * whole == value else math.sqrt(value)


def _rounded(value: Number, digits: int = 0) -> Number:
    if abs(digits) > _MOST_ROUNDED:
        raise _TooLarge
    return round(value, digits) if digits else round(value)


@cache
def _evaluator() -> SimpleEval:
    from simpleeval import SimpleEval  # noqa: PLC0415  only for those who calculate

    functions: Mapping[str, Callable[..., Number]] = {
        "sqrt": _root,
        "abs": abs,
        "round": _rounded,
        "floor": math.floor,
        "ceil": math.ceil,
        "min": min,
        "max": max,
        "ln": math.log,
        "log": math.log10,
        "log10": math.log10,
        "log2": math.log2,
        "exp": math.exp,
        "sin": math.sin,
        "cos": math.cos,
        "tan": math.tan,
        "asin": math.asin,
        "acos": math.acos,
        "atan": math.atan,
        "degrees": math.degrees,
        "radians": math.radians,
        "factorial": _factorial,
    }
    operators: Mapping[type[ast.AST], Callable[..., Number]] = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: _power,
        ast.USub: operator.neg,
        ast.UAdd: operator.pos,
    }
    return SimpleEval(
        operators={kind: _numbers(work) for kind, work in operators.items()},
        functions={name: _numbers(work) for name, work in functions.items()},
        names={"pi": math.pi, "e": math.e, "tau": math.tau},
    )
