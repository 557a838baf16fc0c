"""Text replacements that cards carry, applied where SillyTavern applies them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from services.persona.cards.leniency import as_flag, as_number, as_text
from services.persona.javascript_regex import (
    JavaScriptRegex,
    RegexEngine,
    RegexMatch,
    shared_engine,
)

MOST_SCRIPTS = 200
LONGEST = 1_000_000
"""Characters a text may grow to; a script that would make it longer is left out."""

ALL_SECONDS = 1.0
"""How long the scripts of a card may take together, on all texts; the rest is left out."""

_DELIMITED = re.compile(r"/(.+)/([a-z]*)", re.DOTALL | re.IGNORECASE)
_FLAGS = frozenset("dgimsuvy")
_INSERTS = re.compile(r"\$(\d+)|\$<([^>]+)>|\{\{match\}\}", re.IGNORECASE)
_MACRO = re.compile(r"\{\{[^{}]*\}\}|<(?:USER|BOT|CHAR|GROUP|CHARIFNOTGROUP)>", re.IGNORECASE)
_SPECIAL = re.compile(r"[\n\r\t\v\f\0.^$*+?{}\[\]\\/|()]")
_ESCAPES: Mapping[str, str] = {
    "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\f": "\\f", "\0": "\\0",
}  # fmt: skip

ExpandMacros = Callable[[str], str]


class Placement(IntEnum):
    """Whose text a script is for, as cards number it."""

    USER_INPUT = 1
    AI_OUTPUT = 2
    SLASH_COMMAND = 3
    WORLD_INFO = 5
    REASONING = 6


class Stage(StrEnum):
    """What becomes of the text: shown, sent to the model, kept, or kept after an edit."""

    DISPLAY = "display"
    PROMPT = "prompt"
    STORED = "stored"
    EDIT = "edit"


class MacrosInPattern(IntEnum):
    """Whether macros in the expression are filled in, and how."""

    NO = 0
    RAW = 1
    ESCAPED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexScript:
    """One replacement. Without ``display_only`` and ``prompt_only`` it changes what is kept.

    Depths count messages from the newest, which is 0; ``None`` sets no limit.
    """

    name: str
    find: str
    replace: str = ""
    trim: Sequence[str] = ()
    placement: frozenset[int] = frozenset()
    disabled: bool = False
    display_only: bool = False
    prompt_only: bool = False
    on_edit: bool = False
    macros: MacrosInPattern = MacrosInPattern.NO
    min_depth: int | None = None
    max_depth: int | None = None

    def applies(self, placement: Placement, stage: Stage, depth: int | None) -> bool:
        """Say whether the script is for such a text; an unknown ``depth`` is within all limits."""
        if self.disabled or not self.find or placement not in self.placement:
            return False
        limits = (self.min_depth, self.max_depth)
        return self._is_for(stage) and (depth is None or _within(depth, *limits))

    def _is_for(self, stage: Stage) -> bool:
        if stage is Stage.DISPLAY:
            return self.display_only
        if stage is Stage.PROMPT:
            return self.prompt_only
        if self.display_only or self.prompt_only:
            return False
        return self.on_edit or stage is Stage.STORED


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSkip:
    """A script that could not be run, and why; the text is then as it was before it."""

    script: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedText:
    """A text that scripts may change. ``depth`` counts from the newest message, if it is one."""

    text: str
    placement: Placement
    depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A text after all scripts."""

    text: str
    skipped: tuple[ScriptSkip, ...] = ()


def read_scripts(raw: Sequence[Mapping[str, object]]) -> tuple[RegexScript, ...]:
    """Return the scripts of a card in their order, at most 200, wrong values read leniently."""
    return tuple(_script(each) for each in raw[:MOST_SCRIPTS])


def apply_scripts(
    text: str,
    scripts: Sequence[RegexScript],
    *,
    placement: Placement,
    stage: Stage,
    depth: int | None = None,
    macros: ExpandMacros | None = None,
    engine: RegexEngine | None = None,
) -> Applied:
    """Return ``text`` after the scripts that are for it, each for at most 50 ms; blocking.

    ``macros`` fills in macros of replacements and expressions; without it they stay.
    """
    scripted = ScriptedText(text=text, placement=placement, depth=depth)
    return apply_to_each([scripted], scripts, stage=stage, macros=macros, engine=engine)[0]


def apply_to_each(
    texts: Sequence[ScriptedText],
    scripts: Sequence[RegexScript],
    *,
    stage: Stage,
    macros: ExpandMacros | None = None,
    engine: RegexEngine | None = None,
    seconds: float = ALL_SECONDS,
) -> list[Applied]:
    """Do ``apply_scripts`` for many texts, script by script, one call of V8 for each; blocking.

    After ``seconds`` no further script is begun.
    """
    run = _Run([each.text for each in texts], macros or _unchanged, engine or shared_engine())
    end = time.monotonic() + seconds
    for script in scripts:
        at = [
            n for n, each in enumerate(texts) if script.applies(each.placement, stage, each.depth)
        ]
        if at and time.monotonic() < end:
            run.script(script, at)
        elif at:
            run.skip(script, at, "the scripts before it took too long together")
    return [
        Applied(text=text, skipped=tuple(run.skipped.get(n, ())))
        for n, text in enumerate(run.texts)
    ]


async def apply_aside(
    texts: Sequence[ScriptedText],
    scripts: Sequence[RegexScript],
    *,
    stage: Stage,
    macros: ExpandMacros | None = None,
    engine: RegexEngine | None = None,
) -> list[Applied]:
    """Do ``apply_to_each`` in a thread, where ``macros`` is called; at once if none applies."""
    if not any(s.applies(each.placement, stage, each.depth) for s in scripts for each in texts):
        return [Applied(text=each.text) for each in texts]
    return await asyncio.to_thread(
        apply_to_each, texts, scripts, stage=stage, macros=macros, engine=engine
    )


@dataclass(slots=True)
class _Run:
    """Texts on their way through the scripts."""

    texts: list[str]
    macros: ExpandMacros
    engine: RegexEngine
    skipped: dict[int, list[ScriptSkip]] = field(default_factory=dict)

    def script(self, script: RegexScript, at: Sequence[int]) -> None:
        """Run one script over the texts at these places."""
        regex = _expression(script, self.macros)
        if regex is None:
            self.skip(script, at, "its expression has unknown flags")
            return
        trims = [self.macros(each) for each in script.trim if each]
        changed = self.engine.replace_each(
            regex,
            [self.texts[n] for n in at],
            lambda match: self.macros(_inserted(script.replace, match, trims)),
        )
        for n, text in zip(at, changed, strict=True):
            if text is None:
                self.skip(script, [n], "its expression is invalid or ran too long")
            elif len(text) > max(LONGEST, len(self.texts[n])):
                self.skip(script, [n], "its result is too long")
            else:
                self.texts[n] = text

    def skip(self, script: RegexScript, at: Sequence[int], reason: str) -> None:
        """Note that a script left the texts at these places as they were."""
        for n in at:
            self.skipped.setdefault(n, []).append(ScriptSkip(script=script.name, reason=reason))


def _expression(script: RegexScript, macros: ExpandMacros) -> JavaScriptRegex | None:
    """Return the expression; text that is not ``/source/flags`` is a source without flags."""
    text = script.find
    if script.macros is MacrosInPattern.RAW:
        text = macros(text)
    elif script.macros is MacrosInPattern.ESCAPED:
        text = _MACRO.sub(lambda match: _escaped(match.group(), macros), text)
    match = _DELIMITED.fullmatch(text)
    if match is None:
        return JavaScriptRegex(text)
    flags = match[2]
    if len(set(flags)) < len(flags) or not _FLAGS.issuperset(flags):
        return None
    return JavaScriptRegex(match[1], flags)


def _escaped(macro: str, macros: ExpandMacros) -> str:
    value = macros(macro)
    if value == macro:
        return macro
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match.group(), f"\\{match.group()}"), value)


def _inserted(replacement: str, match: RegexMatch, trims: Sequence[str]) -> str:
    """Return ``replacement`` with what was matched in it, the texts to trim taken out of that."""

    def insert(found: re.Match[str]) -> str:
        if found[2] is not None:
            value = match.named.get(found[2])
        else:
            number = int(found[1][:4]) if found[1] is not None else 0
            value = match.groups[number] if number < len(match.groups) else None
        value = value or ""
        for trim in trims:
            value = value.replace(trim, "")
        return value

    return _INSERTS.sub(insert, replacement)


def _within(depth: int, least: int | None, most: int | None) -> bool:
    # SillyTavern takes a smaller limit than these for none.
    too_new = least is not None and least >= -1 and depth < least
    too_old = most is not None and most >= 0 and depth > most
    return not (too_new or too_old)


def _script(raw: Mapping[str, object]) -> RegexScript:
    macros = as_number(raw.get("substituteRegex"))
    return RegexScript(
        name=as_text(raw.get("scriptName")) or as_text(raw.get("id")) or "script",
        find=as_text(raw.get("findRegex")),
        replace=as_text(raw.get("replaceString")),
        trim=_texts(raw.get("trimStrings")),
        placement=frozenset(_numbers(raw.get("placement"))),
        disabled=bool(as_flag(raw.get("disabled"))),
        display_only=bool(as_flag(raw.get("markdownOnly"))),
        prompt_only=bool(as_flag(raw.get("promptOnly"))),
        on_edit=bool(as_flag(raw.get("runOnEdit"))),
        macros=MacrosInPattern(int(macros)) if macros in {0, 1, 2} else MacrosInPattern.NO,
        min_depth=_whole(raw.get("minDepth")),
        max_depth=_whole(raw.get("maxDepth")),
    )


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split("\n"))
    return tuple(map(as_text, value)) if isinstance(value, (list, tuple)) else ()


def _numbers(value: object) -> list[int]:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [number for number in map(_whole, listed) if number is not None]


def _whole(value: object) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)


def _unchanged(text: str) -> str:
    return text
