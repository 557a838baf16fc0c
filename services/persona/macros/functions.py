"""The macros there are. Each returns its text, or ``None`` to stay as it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from services.persona.macros import chance, moments, variables
from services.persona.macros.environment import ChatLine, MacroEnvironment

if TYPE_CHECKING:
    from services.persona.macros.engine import Call

Function = Callable[["Call"], str | None]

_LONGEST_NUMBER = 9
_MOST_LINES = 1000
_FALSE = frozenset({"", "false", "off", "0"})


def call(macro: Call) -> str | None:
    """Fill in a macro that stands alone."""
    told = macro.environment.values.get(macro.name) if macro.count == 0 else None
    function = FUNCTIONS.get(macro.name)
    if function is not None:
        return function(macro) if told is None else told
    if told is not None:
        return macro.value(told)
    return "" if macro.name in _CARD_TEXTS and macro.count == 0 else None


def call_block(macro: Call) -> str | None:
    """Fill in a macro that encloses text."""
    if macro.name == "if":
        return _if_block(macro)
    if macro.name == "trim":
        return macro.content()
    if macro.name in variables.SCOPED:
        return variables.scoped(macro)
    if macro.name in {"reverse"}:
        return macro.content()[::-1]
    if macro.name in {"//", "comment"}:
        return ""
    return None


def named(environment: MacroEnvironment, name: str) -> str:
    """Return whom an old-style name such as ``<BOT>`` means; ``name`` is in lower case."""
    members = environment.group or (environment.char,)
    if name == "user":
        return environment.user
    if name == "group" or (name == "charifnotgroup" and environment.group):
        return ", ".join(members)
    return environment.char


def truth(text: str) -> bool:
    """Say whether a condition's text counts as true."""
    return text.strip().lower() not in _FALSE


def _if_block(macro: Call) -> str | None:
    if not macro.count:
        return None
    then, otherwise = macro.branches()
    return macro.branch(then if _condition(macro) else otherwise)


def _if_inline(macro: Call) -> str | None:
    if macro.count < 2:
        return None
    return macro.raw(1) if _condition(macro) else macro.raw(2)


def _condition(macro: Call) -> bool:
    text = macro.argument(0)
    negated = text.startswith("!")
    if negated:
        text = text[1:].strip()
    found = variables.shorthand(macro, text) if text[:1] in {".", "$"} else None
    if found is None and re.fullmatch(r"[A-Za-z][\w-]*", text):
        found = _by_name(macro, text.lower())
    return truth(text if found is None else found) is not negated


def _by_name(macro: Call, name: str) -> str | None:
    """Return the value of a macro that was named without its braces."""
    if name in _NAMES:
        return named(macro.environment, name)
    value = macro.environment.values.get(name)
    return None if value is None else macro.value(value)


def _name(macro: Call) -> str | None:
    return named(macro.environment, macro.name) if macro.count == 0 else None


def _others(macro: Call) -> str:
    """Return the members of a group but the one who speaks."""
    environment = macro.environment
    others = [name for name in environment.group if name != environment.char]
    return ", ".join(others) if environment.group else environment.user


def _original(macro: Call) -> str | None:
    return None if macro.environment.original is None else macro.value(macro.original())


def _repeated(character: str) -> Function:
    def repeat(macro: Call) -> str:
        count = macro.argument(0, "1")
        if not count.isdecimal():
            return character
        return character * min(int(count[:_LONGEST_NUMBER]), _MOST_LINES)

    return repeat


def _trim(macro: Call) -> str | None:
    from services.persona.macros.engine import trimming  # noqa: PLC0415  engine calls this module

    return trimming() if macro.count == 0 else None


def _comment(macro: Call) -> str:
    return ""


def _reverse(macro: Call) -> str:
    return macro.rest()[::-1]


def _banned(macro: Call) -> str:
    return ""


def _last(wanted: Callable[[ChatLine], bool]) -> Function:
    def last(macro: Call) -> str:
        for line in reversed(macro.environment.chat):
            if not line.hidden and wanted(line):
                return line.text
        return ""

    return last


def _last_id(macro: Call) -> str:
    for index in range(len(macro.environment.chat) - 1, -1, -1):
        if not macro.environment.chat[index].hidden:
            return str(index)
    return ""


def _first_id(macro: Call) -> str:
    for index, line in enumerate(macro.environment.chat):
        if not line.hidden:
            return str(index)
    return ""


def _outlet(macro: Call) -> str:
    return macro.value(macro.environment.outlets.get(macro.argument(0), ""))


def _number(attribute: str) -> Function:
    def number(macro: Call) -> str:
        known: int = getattr(macro.environment, attribute)
        return str(known) if known else ""

    return number


def _text(attribute: str) -> Function:
    def text(macro: Call) -> str:
        return str(getattr(macro.environment, attribute))

    return text


def _constant(text: str) -> Function:
    def constant(macro: Call) -> str:
        return text

    return constant


_CARD_TEXTS = frozenset(
    {
        "persona", "description", "scenario", "personality", "mesexamples",
        "charversion", "char_version", "charprompt", "charjailbreak",
    }
)  # fmt: skip
_NAMES = frozenset({"user", "char", "bot", "group", "charifnotgroup"})

FUNCTIONS: Mapping[str, Function] = {
    **dict.fromkeys(_NAMES - {"bot"}, _name),
    "notchar": _others,
    "groupnotmuted": _name,
    "original": _original,
    "newline": _repeated("\n"),
    "space": _repeated(" "),
    "noop": _constant(""),
    "trim": _trim,
    "//": _comment,
    "comment": _comment,
    "reverse": _reverse,
    "banned": _banned,
    "if": _if_inline,
    "lastmessage": _last(lambda line: True),
    "lastusermessage": _last(lambda line: line.is_user),
    "lastcharmessage": _last(lambda line: not line.is_user),
    "lastmessageid": _last_id,
    "firstincludedmessageid": _first_id,
    "lastswipeid": _number("swipes"),
    "currentswipeid": _number("swipe"),
    "outlet": _outlet,
    "model": _text("model"),
    "input": _text("input"),
    "maxprompt": _text("max_prompt"),
    "lastgenerationtype": _text("generation"),
    "ismobile": _constant("false"),
    **chance.FUNCTIONS,
    **moments.FUNCTIONS,
    **variables.FUNCTIONS,
}


def known_names() -> Sequence[str]:
    """Return the names of all macros but those the environment's values give."""
    return sorted(FUNCTIONS)
