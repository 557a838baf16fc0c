"""An answer as it is written, cut into what is said one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

from services.domain.replies import Delivered
from services.voice.speaking.clauses import clause_ends, pieces, weight, word_ends, words
from services.voice.speaking.wording import Wording, goes_on_acting

_LONGEST_ACTION = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A stretch of the answer from ``start``; ``speech`` is what to say, perhaps nothing.

    ``acting`` says that it begins within an action.
    """

    start: int
    text: str
    speech: str
    acting: bool = False

    @property
    def end(self) -> int:
        """Where it ends in the answer."""
        return self.start + len(self.text)


class Script:
    """Takes an answer's text and sentences; gives its clauses, each stretch exactly once.

    ``first_weight`` letters must be there to cut early at a clause, ``first_words`` between words.
    No clause weighs more than ``longest`` where it can be cut.
    """

    def __init__(
        self, wording: Wording, *, first_weight: int, first_words: int, longest: int
    ) -> None:
        self._wording = wording
        self._first_weight = first_weight
        self._first_words = first_words
        self._longest = longest
        self._text = ""
        self._cut = 0
        self._sentence_start = 0
        self._sentence_ends: list[int] = []
        self._waiting: deque[Clause] = deque()
        self._acting = 0  # letters of the action that is open where the text is cut
        self.begun = False

    @property
    def text(self) -> str:
        """All that was written so far."""
        return self._text

    @property
    def waiting(self) -> bool:
        """Whether something to be said is there to be taken."""
        return any(clause.speech for clause in self._waiting)

    def write(self, text: str, /) -> None:
        """Take more text."""
        self._text += text

    def end_sentence(self, sentence: str, /) -> None:
        """Let the rest of a sentence that was written be said.

        One that is not found where it should be is ignored; ``finish`` leaves nothing out.
        """
        start = self._text.find(sentence, self._sentence_start)
        if not sentence or start < 0:
            return
        end = start + len(sentence)
        self._sentence_ends.append(end)
        while end < len(self._text) and self._text[end].isspace():
            end += 1
        self._sentence_start = end
        self._take_up_to(end)

    def cut_early(self, *, hurried: bool) -> bool:
        """Let the first clause that is there be said before its sentence is whole, if any.

        When ``hurried`` and there is none, all words but the last will do.
        """
        tail = self._text[self._cut :]
        ends = [
            end for end in clause_ends(tail) if weight(self._said(tail[:end])) >= self._first_weight
        ]
        if not ends and hurried:
            last = word_ends(tail)[-1:]
            ends = [end for end in last if len(words(self._said(tail[:end]))) >= self._first_words]
        if not ends:
            return False
        self._take_up_to(self._cut + ends[0])
        return True

    def finish(self) -> None:
        """Let all that is left be said."""
        self._take_up_to(len(self._text))

    def take(self) -> Clause | None:
        """Return the next clause, if there is one."""
        return self._waiting.popleft() if self._waiting else None

    def delivered(self, position: int, /) -> Delivered:
        """Return what was delivered when all before ``position`` was, up to the last word."""
        position = len(self._text[:position].rstrip())
        return Delivered(sentences=bisect_right(self._sentence_ends, position), characters=position)

    def reach(self, clause: Clause, share: float, /) -> int | None:
        """Return where the last word ends that lies in the first ``share`` of a clause's speech.

        ``None`` when not even the first word does.
        """
        most = share * weight(clause.speech)
        found, so_far = None, 0
        for end in words(clause.text):
            said = weight(self._wording.of(clause.text[:end], acting=clause.acting))
            if said > most:
                break
            if said > so_far:
                found, so_far = clause.start + end, said
        return found

    def _take_up_to(self, end: int) -> None:
        stretch = self._text[self._cut : end]
        if not stretch:
            return
        for piece in pieces(stretch, longest=self._longest):
            acting = self._acting > 0
            speech = self._said(piece)
            self._waiting.append(Clause(start=self._cut, text=piece, speech=speech, acting=acting))
            self._cut += len(piece)
            self.begun = self.begun or bool(speech)
            goes_on = goes_on_acting(piece, acting=acting)
            self._acting = self._acting + len(piece) if goes_on else 0
            if self._acting > _LONGEST_ACTION:
                self._acting = 0

    def _long_enough(self, text: str) -> bool:
        return weight(self._said(text)) >= self._first_weight

    def _words_in(self, text: str) -> int:
        return len(words(self._said(text)))

    def _said(self, text: str) -> str:
        return self._wording.of(text, acting=self._acting > 0)
