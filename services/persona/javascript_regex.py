"""Regular expressions in JavaScript's dialect, on V8, limited in time and memory."""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from services.persona.javascript_literals import needed
from services.persona.javascript_program import PROGRAM
from services.persona.javascript_subset import spelled, translated

if TYPE_CHECKING:
    from services.persona.javascript_context import JavaScriptContext

logger = logging.getLogger(__name__)

SECONDS = 0.05
"""How long one expression may run over one text."""

MOST_MATCHES = 5_000
"""Matches of one expression in one text that are looked at."""

_HEAP_BYTES = 96 * 1024 * 1024
_RUNAWAYS = 5
_TRIES_ALONE = 4
_BATCH = 200
_HOPELESS = 2
_MOST_KNOWN = 20_000
_DELIMITED = re.compile(r"/(.+?)/([gimsuy]*)", re.DOTALL)
_BARE_SLASH = re.compile(r"(?:^|[^\\])/", re.DOTALL)


class Verdict(Enum):
    """What testing one expression on one text gave.

    ``INVALID`` is no expression at all, ``RUNAWAY`` ran into the time limit, ``FAILED`` into
    another limit of the engine, ``NOT_RUN`` came after too many that did.
    """

    MATCH = "1"
    NO_MATCH = "0"
    INVALID = "i"
    FAILED = "f"
    RUNAWAY = "r"
    NOT_RUN = "n"

    @property
    def decided(self) -> bool:
        """Whether it is known if the text matches."""
        return self in {Verdict.MATCH, Verdict.NO_MATCH}


@dataclass(frozen=True, slots=True)
class JavaScriptRegex:
    """An expression as JavaScript has it; only V8 knows whether it is valid."""

    source: str
    flags: str = ""

    def __str__(self) -> str:
        return f"/{self.source}/{self.flags}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexMatch:
    """One match; ``start`` counts UTF-16 units, groups that took no part are ``None``."""

    start: int
    groups: tuple[str | None, ...]
    named: dict[str, str | None]


def read_regex(text: str) -> JavaScriptRegex | None:
    """Return the expression that ``text`` spells as ``/source/flags``; ``None`` for other text.

    Flags are g, i, m, s, u and y; a slash inside the source has to be escaped.
    """
    if not text.startswith("/"):
        return None
    match = _DELIMITED.fullmatch(text)
    if match is None or _BARE_SLASH.search(match[1]) or len(set(match[2])) < len(match[2]):
        return None
    return JavaScriptRegex(match[1], match[2])


class RegexEngine:
    """Runs expressions, all on one V8 context that is made when it is first needed.

    Safe to share between threads; calls wait for each other. A context that died is replaced.
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._context: JavaScriptContext | None = None
        self._calls = 0
        self._known: dict[JavaScriptRegex, bool] = {}

    def valid(self, regexes: Sequence[JavaScriptRegex]) -> list[bool]:
        """Return for each expression whether it is one; blocking."""
        valid: dict[JavaScriptRegex, bool] = {}
        open_: list[JavaScriptRegex] = []
        for regex in dict.fromkeys(regexes):
            known = True if _is_simple(regex) else self._known.get(regex)
            if known is None:
                open_.append(regex)
            else:
                valid[regex] = known
        for start in range(0, len(open_), _BATCH):
            batch = open_[start : start + _BATCH]
            answers = self._valid(batch)
            valid.update(zip(batch, answers or [False] * len(batch), strict=True))
            if answers is not None:
                self._learn(zip(batch, answers, strict=True))
        return [valid[regex] for regex in regexes]

    def test(self, checks: Sequence[tuple[JavaScriptRegex, str]]) -> list[Verdict]:
        """Return a verdict per pair of expression and text, in order; blocking.

        Every expression has the time limit for itself. After five that reached it the rest is
        not run, but for those that are too simple to run long. Where a text lacks what a match
        needs, and the expression itself, the verdict is ``NO_MATCH`` for an invalid one, too.
        """
        lowered: dict[str, str] = {}
        verdicts = [
            self._without_need(regex, text, lowered) or _simply(regex, text)
            for regex, text in checks
        ]
        open_ = [at for at, verdict in enumerate(verdicts) if verdict is None]
        if open_:
            answers = self._test_all([checks[at] for at in open_])
            for at, verdict in zip(open_, answers, strict=True):
                verdicts[at] = verdict
            self._learn(
                (checks[at][0], verdict is not Verdict.INVALID)
                for at, verdict in zip(open_, answers, strict=True)
                if verdict.decided or verdict is Verdict.INVALID
            )
        return [verdict for verdict in verdicts if verdict is not None]

    def _learn(self, answers: Iterable[tuple[JavaScriptRegex, bool]]) -> None:
        with self._lock:
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            self._known.update(answers)

    def _without_need(
        self, regex: JavaScriptRegex, text: str, lowered: dict[str, str]
    ) -> Verdict | None:
        """Say that an expression does not match a text that lacks what it needs."""
        known = True if _is_simple(regex) else self._known.get(regex)
        if known is False:
            return Verdict.INVALID
        needs = needed(regex.source, regex.flags)
        if needs is None:
            return None
        if known is None:
            needs = (*needs, regex.source.lower())
        small = lowered.get(text)
        if small is None:
            small = lowered[text] = text.lower()
        return None if any(each in small for each in needs) else Verdict.NO_MATCH

    def _valid(self, regexes: Sequence[JavaScriptRegex]) -> list[bool] | None:
        """Return which are valid; ``None`` if the engine could not tell."""
        pairs = json.dumps([(regex.source, regex.flags) for regex in regexes])
        with self._lock:
            answer = self._call(f"valid({pairs})", seconds=self._seconds * 20)
        return [sign == "1" for sign in answer] if answer else None

    def _test_all(self, checks: Sequence[tuple[JavaScriptRegex, str]]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        runaways = 0
        with self._lock:
            while len(verdicts) < len(checks):
                if runaways >= _RUNAWAYS:
                    return verdicts + [Verdict.NOT_RUN] * (len(checks) - len(verdicts))
                batch = checks[len(verdicts) : len(verdicts) + _BATCH]
                done, ran_away = self._test(batch)
                verdicts += done
                runaways += ran_away
        return verdicts

    async def test_aside(self, checks: Sequence[tuple[JavaScriptRegex, str]]) -> list[Verdict]:
        """Do ``test`` in a thread."""
        return await asyncio.to_thread(self.test, checks)

    def find(self, regex: JavaScriptRegex, text: str) -> list[RegexMatch] | None:
        """Return the matches in ``text``, all of them with flag g, else the first; blocking.

        ``None`` when the expression is invalid or reached a limit; at most 5,000 matches.
        """
        found = self.find_each(regex, [text])
        return found[0] if found is not None else None

    def find_each(
        self, regex: JavaScriptRegex, texts: Sequence[str]
    ) -> list[list[RegexMatch]] | None:
        """Do ``find`` in several texts, all within the time limit of one; blocking.

        ``None`` when the expression is invalid or reached a limit in any of them.
        """
        arguments = ",".join(json.dumps(part) for part in (regex.source, regex.flags, texts))
        with self._lock:
            answer = self._call(f"find({arguments},{MOST_MATCHES})", seconds=self._seconds)
        listed = json.loads(answer) if answer else None
        if listed is None:
            return None
        return [
            [
                RegexMatch(start=start, groups=tuple(groups), named=named)
                for start, groups, named in matches
            ]
            for matches in listed
        ]

    def replace_each(
        self,
        regex: JavaScriptRegex,
        texts: Sequence[str],
        replacement: Callable[[RegexMatch], str],
    ) -> list[str | None]:
        """Return each text with its matches replaced as ``String.replace`` does; blocking.

        ``None`` stands for a text in which the expression is invalid, reached a limit, or matched
        more than 5,000 times. ``replacement`` is called in order, here and not in V8.
        """
        found: Sequence[list[RegexMatch] | None] | None = self.find_each(regex, texts)
        if found is None:
            found = self._one_by_one(regex, texts)
        return [
            None
            if matches is None or len(matches) >= MOST_MATCHES
            else _replaced(text, matches, replacement)
            for text, matches in zip(texts, found, strict=True)
        ]

    def _one_by_one(
        self, regex: JavaScriptRegex, texts: Sequence[str]
    ) -> list[list[RegexMatch] | None]:
        """Search each text by itself until one has shown that it is hopeless."""
        if len(texts) == 1 or not self.valid([regex])[0]:
            return [None] * len(texts)
        found: list[list[RegexMatch] | None] = []
        failures = 0
        for text in texts:
            matches = self.find(regex, text) if failures < _HOPELESS else None
            failures += matches is None
            found.append(matches)
        return found

    def close(self) -> None:
        """Give the context back; the next call makes another."""
        with self._lock:
            self._drop()

    def _test(self, checks: Sequence[tuple[JavaScriptRegex, str]]) -> tuple[list[Verdict], bool]:
        """Test until the end or the first that runs away; say whether there was one.

        A batch may be slow because the machine is. So the one at which it was stopped is tried
        again, alone, and once more while it got less than half of its time in the processor.
        """
        signs = self._signs(checks)
        if signs is not None:
            return [Verdict(sign) for sign in signs], False
        done = [Verdict(sign) for sign in self._signs_so_far()]
        if len(done) >= len(checks):
            return done, False
        for _ in range(_TRIES_ALONE):
            began = time.process_time()
            alone = self._signs(checks[len(done) : len(done) + 1])
            if alone is not None or time.process_time() - began >= self._seconds / 2:
                break
        if alone is None:
            return [*done, Verdict.RUNAWAY], True
        return [*done, Verdict(alone)], False

    def _signs(self, checks: Sequence[tuple[JavaScriptRegex, str]]) -> str | None:
        self._calls += 1
        texts: dict[str, int] = {}
        listed = [
            (regex.source, regex.flags, texts.setdefault(text, len(texts)))
            for regex, text in checks
        ]
        arguments = f"{self._calls},{json.dumps(list(texts))},{json.dumps(listed)}"
        return self._call(f"test({arguments})", seconds=self._seconds)

    def _signs_so_far(self) -> str:
        """Return what the call that was stopped had found; nothing if it never began."""
        answer = self._call(f'call === {self._calls} ? out : ""', seconds=self._seconds)
        return answer or ""

    def _call(self, code: str, *, seconds: float) -> str | None:
        """Evaluate ``code``; ``None`` when it reached a limit."""
        from services.persona.javascript_context import ContextDied  # noqa: PLC0415

        context = self._context or self._made()
        try:
            return context.call(code, seconds=seconds)
        except TimeoutError:
            return None
        except ContextDied as died:
            logger.info("regular expressions stopped", extra={"reason": str(died)})
            self._drop()
            return None

    def _made(self) -> JavaScriptContext:
        from services.persona.javascript_context import JavaScriptContext  # noqa: PLC0415

        context = self._context = JavaScriptContext(PROGRAM, heap_bytes=_HEAP_BYTES)
        atexit.register(self.close)  # left to the interpreter's own end, the context never ends
        return context

    def _drop(self) -> None:
        context, self._context = self._context, None
        atexit.unregister(self.close)
        if context is not None:
            context.close()


@functools.lru_cache(maxsize=1)
def shared_engine() -> RegexEngine:
    """Return the process's one engine; nothing is loaded before its first use."""
    return RegexEngine()


def _is_simple(regex: JavaScriptRegex) -> bool:
    return spelled(regex.source, regex.flags) is not None


def _simply(regex: JavaScriptRegex, text: str) -> Verdict | None:
    """Return the verdict on a simple expression and ASCII text without V8."""
    if not text.isascii():
        return None
    pattern = translated(regex.source, regex.flags)
    if pattern is None:
        return None
    return Verdict.MATCH if pattern.search(text) else Verdict.NO_MATCH


def _replaced(
    text: str, matches: Sequence[RegexMatch], replacement: Callable[[RegexMatch], str]
) -> str:
    if not matches:
        return text
    # V8 counts UTF-16 units, two bytes each.
    units = text.encode("utf-16-le", "surrogatepass")
    pieces: list[bytes] = []
    done = 0
    for match in matches:
        start = 2 * match.start
        whole = match.groups[0] or ""
        pieces.append(units[done:start])
        pieces.append(replacement(match).encode("utf-16-le", "surrogatepass"))
        done = start + len(whole.encode("utf-16-le", "surrogatepass"))
    pieces.append(units[done:])
    return b"".join(pieces).decode("utf-16-le", "surrogatepass")
