"""What the doctor found, as a table for people and as JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from frontends.console.terminal import colours_wanted

if TYPE_CHECKING:
    from services.doctor.check import Finding
    from services.doctor.examination import Repair

VERSION = 1

_WIDTH = 100
_MARKS = {"ok": "✓", "warning": "!", "problem": "✗", "skipped": "·"}
_PLAIN_MARKS = {"ok": "ok", "warning": "warn", "problem": "FAIL", "skipped": "skip"}
_COLOURS = {"ok": "32", "warning": "33", "problem": "1;31", "skipped": "2"}
_CODES = {"settings": 1, "dependency": 2, "data": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found, and what was repaired if anything was to be."""

    findings: Sequence[Finding]
    repairs: Sequence[Repair] | None = None


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 without problems, else the highest of 1 (settings) and 2 (dependency, data)."""
    problems = [finding for finding in findings if finding.status == "problem"]
    return max((_CODES[finding.cause or "data"] for finding in problems), default=0)


def as_json(diagnosis: Diagnosis) -> dict[str, object]:
    """Return the stable form; ``version`` grows when a field changes its meaning or goes."""
    from services.doctor.examination import summary  # noqa: PLC0415

    found = diagnosis.findings
    shape: dict[str, object] = {
        "version": VERSION,
        "findings": [
            {
                "area": finding.area,
                "check": finding.check,
                "status": finding.status,
                "sentence": finding.sentence,
                "fix": finding.fix,
                "cause": finding.cause,
            }
            for finding in found
        ],
        "summary": {**summary(found), "exit_code": exit_code(found)},
    }
    if diagnosis.repairs is not None:
        shape["repairs"] = [
            {"check": each.check, "done": each.done, "sentence": each.sentence}
            for each in diagnosis.repairs
        ]
    return shape


def as_table(diagnosis: Diagnosis, *, out: TextIO, environ: Mapping[str, str]) -> str:
    """Return lines for people, in colour and with signs where ``out`` can show them."""
    look = _Look(out, environ)
    lines = list(_repaired(diagnosis, look))
    area = None
    for finding in diagnosis.findings:
        if finding.area != area:
            area = finding.area
            lines += ["", area.capitalize()]
        lines += look.finding(finding)
    lines += ["", _summary(diagnosis.findings)]
    return look.encodable("\n".join(lines).lstrip("\n") + "\n")


def _repaired(diagnosis: Diagnosis, look: _Look) -> Iterator[str]:
    if diagnosis.repairs is None:
        return
    yield "Repairs"
    if not diagnosis.repairs:
        yield "  Nothing here can be repaired by itself."
    for each in diagnosis.repairs:
        status = "ok" if each.done else "problem"
        yield from look.lines(status, f"{each.check}: {each.sentence}")


def _summary(findings: Sequence[Finding]) -> str:
    from services.doctor.examination import summary  # noqa: PLC0415

    counts = summary(findings)
    problems, warnings = counts["problem"], counts["warning"]
    if not problems and not warnings:
        return "Everything is in order."
    said = [
        f"{number} {noun}{'' if number == 1 else 's'}"
        for number, noun in ((problems, "problem"), (warnings, "warning"))
        if number
    ]
    return f"{' and '.join(said)}; {counts['ok']} checks are fine."


class _Look:
    """What the output can show."""

    def __init__(self, out: TextIO, environ: Mapping[str, str]) -> None:
        self._encoding = getattr(out, "encoding", None) or "ascii"
        self._colours = out.isatty() and colours_wanted(environ)
        signs = all(self._shows(sign) for sign in _MARKS.values())
        self._marks = _MARKS if signs else _PLAIN_MARKS

    def finding(self, finding: Finding) -> Iterator[str]:
        subject = f"{finding.check}: " if finding.status == "skipped" else ""
        yield from self.lines(finding.status, f"{subject}{finding.sentence}")
        if finding.fix is not None:
            indent = " " * (self._indent + 3)
            lead = f"{' ' * self._indent}{'→' if self._shows('→') else '->'} "
            yield from textwrap.wrap(
                finding.fix,
                _WIDTH,
                initial_indent=lead,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )

    def lines(self, status: str, sentence: str) -> Iterator[str]:
        wrapped = textwrap.wrap(
            sentence,
            _WIDTH - self._indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        mark = f"{self._marks[status]:<{self._indent - 3}}"
        if self._colours:
            mark = f"\x1b[{_COLOURS[status]}m{mark}\x1b[0m"
        for number, line in enumerate(wrapped or [""]):
            yield f"  {mark} {line}" if number == 0 else f"{' ' * self._indent}{line}"

    def encodable(self, text: str) -> str:
        return text.encode(self._encoding, errors="backslashreplace").decode(self._encoding)

    @property
    def _indent(self) -> int:
        return 3 + max(map(len, self._marks.values()))

    def _shows(self, sign: str) -> bool:
        try:
            sign.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True
