"""Tool calls written as text: telling a model how to write them, and reading what it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.domain.calls import ToolCall
from services.llm.model import ToolSchema

NAME_KEYS = ("name", "tool", "tool_name", "function")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
CALL_KEYS = frozenset((*NAME_KEYS, *ARGUMENT_KEYS, "type", "id", "index", "tool_calls"))

_SPACE = " \t\r\n"
_FIRST_KEY = re.compile(r"[\"']?(\w*)")
_ARGUMENT_KEY = re.compile(rf"\b(?:{'|'.join(ARGUMENT_KEYS)})[\"']?\s*:")
_DEEPEST_KIND = 4
_CLOSERS = {"{": "}", "[": "]"}
_LITERALS = {"True": "true", "False": "false", "None": "null"}

CALL, SAY = "CALL:", "SAY:"
"""How an answer begins that calls a tool, and one in words."""

_PROTOCOL = f"""\
Is the next message a request for a tool? Then begin your reply with {CALL} and never guess a \
result. Is it talk, a story or a feeling? Then begin with {SAY}
Message: Play the next song. Reply: {CALL} {{"name": "play", "arguments": {{"song": "next"}}}}
Message: That song makes me cry. Reply: {SAY} It gets me too.
Message: I played songs with my dad all day. Reply: {SAY} Which ones?"""
_AFTERWARDS = "Tell me what came out, in your own words."


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCall:
    """A tool call found in text."""

    name: str
    arguments: Mapping[str, object]


def describe_tools(tools: Sequence[ToolSchema]) -> str:
    """Explain the offered tools to a model that knows tools only as text; empty without tools."""
    if not tools:
        return ""
    return "\n".join(["Tools:", *(f"- {signature(tool)}" for tool in tools), _PROTOCOL])


def signature(tool: ToolSchema) -> str:
    """Write a tool in one line: its name, its arguments with their kinds, what it does.

    A quarter of the tokens of its JSON schema; bounds are left to the check of the arguments.
    """
    definitions = tool.parameters.get("$defs")
    known = definitions if isinstance(definitions, Mapping) else {}
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    arguments = [
        _argument(name, each, known, needed=isinstance(required, list) and name in required)
        for name, each in (properties if isinstance(properties, Mapping) else {}).items()
        if isinstance(each, Mapping)
    ]
    return f"{tool.name}({', '.join(arguments)}): {tool.description}"


def _argument(
    name: str, schema: Mapping[str, object], known: Mapping[str, object], *, needed: bool
) -> str:
    told = str(schema.get("description") or "").rstrip(".")
    note = f" ({told})" if told else ""
    return f"{name}{'' if needed else '?'}: {_kind(schema, known, _DEEPEST_KIND)}{note}"


def _kind(schema: Mapping[str, object], known: Mapping[str, object], depth: int) -> str:
    """Say what values ``schema`` takes, in a word or as the values themselves."""
    referred = known.get(str(schema.get("$ref", "")).rpartition("/")[2])
    choices = schema.get("anyOf")
    values = schema.get("enum")
    items = schema.get("items")
    if depth and isinstance(referred, Mapping):
        return _kind(referred, known, depth - 1)
    if depth and isinstance(choices, list):
        kinds = [_kind(each, known, depth - 1) for each in choices if isinstance(each, Mapping)]
        return " or ".join(kind for kind in dict.fromkeys(kinds) if kind != "null") or "null"
    if isinstance(values, list):
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
    if depth and isinstance(items, Mapping):
        return f"list of {_kind(items, known, depth - 1)}"
    return str(schema.get("type") or "any")


def write_call(call: ToolCall) -> str:
    """Write a past call the way ``describe_tools`` asks for."""
    return f"{CALL} {_compact({'name': call.name, 'arguments': call.arguments})}"


def write_result(name: str, content: str) -> str:
    """Write a tool's result for a model that knows tools only as text."""
    return f"<tool_result>\nResult of {name}:\n{content}\n</tool_result>\n{_AFTERWARDS}"


def read_calls(
    text: str, offered: Collection[str], *, tagged: bool = False
) -> Sequence[WrittenCall] | None:
    """Read JSON that should be one or more tool calls.

    ``tagged`` says that the text stood between tool tags, where naming an offered tool is enough
    to be meant as a call. Returns the calls; ``None`` when the text is not about an offered tool
    and is therefore ordinary; an empty sequence when it is about one but cannot be read even after
    one repair (trailing commas, single quotes, Python literals, missing brackets).
    """
    values = _values(text)
    if values is not None:
        return _calls(values, offered)
    if not names_tool(text, offered, tagged=tagged):
        return None
    repaired = _values(_repair(text))
    return (_calls(repaired, offered) if repaired is not None else None) or ()


def read_arguments(given: object) -> dict[str, object] | None:
    """Return a call's arguments, also from JSON text after one repair; ``None`` if unreadable."""
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        decoded = _values(given) or _values(_repair(given)) or [None]
        given = decoded[0]
    return given if isinstance(given, dict) else None


def names_tool(text: str, offered: Collection[str], *, tagged: bool = False) -> bool:
    """Say whether unreadable text is meant as a call of an offered tool."""
    if not offered:
        return False
    names = "|".join(map(re.escape, offered))
    if tagged:
        return re.search(rf"(?<!\w)(?:{names})(?!\w)", text) is not None
    key = rf"\b(?:{'|'.join(NAME_KEYS)})[\"']?\s*:\s*[\"']?(?:{names})(?!\w)"
    return re.search(key, text) is not None and _ARGUMENT_KEY.search(text) is not None


def may_begin_call(text: str) -> bool:
    """Say whether text that begins with a bracket can still become a tool call's JSON.

    Once false it stays false however the text goes on.
    """
    rest = text
    if rest.startswith("["):
        rest = rest[1:].lstrip(_SPACE)
        if rest and not rest.startswith("{"):
            return False
    rest = rest[1:].lstrip(_SPACE)
    if not rest:
        return True
    key = _FIRST_KEY.match(rest)
    if key is None:
        return False
    if key.end() == len(rest):
        return any(known.startswith(key[1]) for known in CALL_KEYS)
    return key[1] in CALL_KEYS


def _compact(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def _values(text: str) -> list[object] | None:
    """Decode JSON values that stand one after another; ``None`` when any is broken."""
    decoder = json.JSONDecoder(strict=False)
    found: list[object] = []
    position = _skip(text, 0)
    while position < len(text):
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        found.append(value)
        position = _skip(text, position)
    return found or None


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,;":
        position += 1
    return position


def _calls(values: Iterable[object], offered: Collection[str]) -> Sequence[WrittenCall] | None:
    """Return the calls of offered tools, or ``None`` when the values are something else."""
    calls: list[WrittenCall] = []
    about_tools = False
    for item in _items(values):
        name = _name(item)
        if name is None:
            return None
        if name not in offered:
            continue
        about_tools = True
        arguments = read_arguments(next((item[key] for key in ARGUMENT_KEYS if key in item), None))
        if arguments is not None:
            calls.append(WrittenCall(name=name, arguments=arguments))
    return calls if about_tools else None


def _items(values: Iterable[object]) -> Iterator[Mapping[str, object]]:
    """Unwrap lists and the envelopes of the OpenAI form; what is no object comes out empty."""
    for value in values:
        if isinstance(value, list):
            yield from _items(value)
        elif not isinstance(value, dict):
            yield {}
        elif isinstance(value.get("tool_calls"), list):
            yield from _items(value["tool_calls"])
        elif isinstance(value.get("function"), dict):
            yield value["function"]
        else:
            yield value


def _name(item: Mapping[str, object]) -> str | None:
    """Return the tool an object calls, or ``None`` when it has not the shape of a call.

    Without arguments nothing but the keys of a call may be there; a description makes the object
    the definition of a tool.
    """
    shaped = any(key in item for key in ARGUMENT_KEYS) or item.keys() <= CALL_KEYS
    if not shaped or "description" in item:
        return None
    return next((name for key in NAME_KEYS if isinstance(name := item.get(key), str)), None)


_PIECE = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*(?:"|$))"""
    r"""|(?P<single>'(?:[^'\\]|\\.)*(?:'|$))"""
    r"""|(?P<comma>,\s*(?=[}\]]|$))"""
    r"""|(?P<open>[{\[])"""
    r"""|(?P<close>[}\]])"""
    r"""|(?P<word>[A-Za-z_]\w*)""",
    re.DOTALL,
)


def _repair(text: str) -> str:
    """Make JSON of what models write instead of it; what follows the last bracket is cut off."""
    out: list[str] = []
    depth: list[str] = []
    position = 0
    for piece in _PIECE.finditer(text):
        out.append(text[position : piece.start()])
        position = piece.end()
        out.append(_mended(piece, depth))
        if piece["close"] and not depth:
            return "".join(out)
    out.append(text[position:])
    return "".join(out).rstrip(_SPACE + ",") + "".join(_CLOSERS[open_] for open_ in reversed(depth))


def _mended(piece: re.Match[str], depth: list[str]) -> str:
    """Return the piece as valid JSON; ``depth`` holds the brackets open so far."""
    text = piece.group()
    if piece["double"]:
        return text if len(text) > 1 and text.endswith('"') else text + '"'
    if piece["single"]:
        inner = text[1:-1] if len(text) > 1 and text.endswith("'") else text[1:]
        return '"' + inner.replace("\\'", "'").replace('"', '\\"') + '"'
    if piece["comma"]:
        return ""
    if piece["open"]:
        depth.append(text)
        return text
    if piece["close"]:
        return _close(text, depth)
    return _LITERALS.get(text, text)


def _close(bracket: str, depth: list[str]) -> str:
    """Close ``bracket`` and whatever was left open inside it; an unmatched one vanishes."""
    if bracket not in (_CLOSERS[open_] for open_ in depth):
        return ""
    closed = ""
    while not closed.endswith(bracket):
        closed += _CLOSERS[depth.pop()]
    return closed
