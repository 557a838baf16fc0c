"""The text of a turn whose parts are transcribed apart and arrive in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.voice.listening.wording import words_of

_TRAILING = " .…"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardPart:
    """What one part of a turn was understood as; an empty text is an answer too."""

    text: str
    language: str | None = None
    confidence: float | None = None
    invented: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A part as it stood when it was asked about."""

    part: int
    revision: int


class TurnText:
    """Parts in the order of speech; the last one is open until ``close``.

    An answer counts only for the part as it now stands: asking again or withdrawing voids those
    on their way. ``complete`` holds when every part is answered, so a turn is never taken for
    its half. ``earlier`` is the text of a turn that this one goes on with.
    """

    def __init__(self, earlier: str = "") -> None:
        self._parts: list[HeardPart | None] = [None]
        if earlier:
            self._parts.insert(0, HeardPart(text=earlier))
        self._revisions = [0] * len(self._parts)

    @property
    def complete(self) -> bool:
        """Whether every part is answered as it stands."""
        return None not in self._parts

    @property
    def parts(self) -> Sequence[HeardPart]:
        """What is answered so far, in the order of speech."""
        return [part for part in self._parts if part is not None]

    @property
    def text(self) -> str:
        """The parts joined; a pause inside a sentence leaves no full stop of its own making."""
        texts = [part.text for part in self.parts if words_of(part.text)]
        joined = ""
        for text in texts:
            if joined and text[:1].islower():
                joined = joined.rstrip(_TRAILING)
            joined = f"{joined} {text}" if joined else text
        return joined

    def ask(self) -> Request:
        """Return the request for the open part; requests before it are void."""
        self.withdraw()
        return Request(part=len(self._parts) - 1, revision=self._revisions[-1])

    def withdraw(self) -> None:
        """Void the open part's answer, since more was said in it."""
        self._parts[-1] = None
        self._revisions[-1] += 1

    def close(self) -> None:
        """Let a new part begin; the answer to the one before still counts when it comes."""
        self._parts.append(None)
        self._revisions.append(0)

    def answer(self, request: Request, heard: HeardPart, /) -> bool:
        """Take an answer; ``False`` when it is of a part as it stands no more."""
        if self._revisions[request.part] != request.revision:
            return False
        self._parts[request.part] = heard
        return True
