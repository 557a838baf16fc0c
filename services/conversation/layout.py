"""How history becomes prompt messages and how much of it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.domain.ids import AuthorId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.llm.model import PromptMessage, PromptRole
from services.persona.character import Persona

MESSAGE_OVERHEAD = 8
"""Tokens a chat template adds around one message, at most, in the common templates."""

ANCHOR = 16
"""History starts at multiples of this ordinal when it must be cut.

The start then stays put for several turns, and with it the prompt's evaluated prefix.
"""

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    """A history entry as a prompt message; ``ref`` is the message's id."""

    ref: str
    ordinal: int
    prompt: PromptMessage

    def with_images(self, images: tuple[bytes, ...]) -> HistoryTurn:
        """Return the same turn with pictures attached."""
        return replace(self, prompt=replace(self.prompt, images=images))

    def with_content(self, content: str) -> HistoryTurn:
        """Return the same turn with other text."""
        return replace(self, prompt=replace(self.prompt, content=content))


def prompt_history(
    history: Sequence[HistoryEntry],
    persona: Persona,
    *,
    group: bool = False,
    names: Mapping[AuthorId, str] | None = None,
) -> list[HistoryTurn]:
    """Return ``history`` as ``persona`` sees it: its own words as assistant, others' as user.

    Speakers are named in the text as soon as more than one of them talks to the persona. In a
    ``group`` all are, and all characters' words are the assistant's, so that the history reads the
    same whoever speaks next. ``names`` are what people are called instead of their accounts' names.
    """
    names = names or {}
    others = {
        entry.message.author.id for entry in history if entry.message.author.persona != persona.id
    }
    named = group or len(others) > 1
    turns = []
    for entry in history:
        author = entry.message.author
        own = author.kind is AuthorKind.PERSONA and author.persona == persona.id
        text = entry.text
        if attachments := entry.message.attachments:
            listed = ", ".join(f"{part.kind} {part.name}" for part in attachments)
            text = f"{text}\n[attached: {listed}]".strip()
        if not text.strip():
            continue
        if named and (group or not own):
            text = f"{names.get(author.id, author.display_name)}: {text}"
        said = own or (group and author.kind is AuthorKind.PERSONA)
        turns.append(
            HistoryTurn(
                ref=str(entry.message.id),
                ordinal=entry.ordinal,
                prompt=PromptMessage(
                    role=PromptRole.ASSISTANT if said else PromptRole.USER,
                    content=text,
                    source="history",
                ),
            )
        )
    return turns


@dataclass(frozen=True, slots=True)
class Fitted:
    """The history that goes into a prompt, each turn's cost in tokens, and how many do not."""

    turns: list[HistoryTurn]
    costs: list[int]
    dropped: int


def newest_that_fit(
    turns: Sequence[HistoryTurn], budget: int, *, count: Count, keep: set[str]
) -> Fitted:
    """Return the newest run of ``turns`` within ``budget`` tokens.

    A cut falls on an ordinal divisible by ``ANCHOR`` where that keeps at least half of what would
    fit. Turns whose ref is in ``keep`` are clipped in the middle rather than left out.
    """
    costs = [count(turn.prompt.content) + MESSAGE_OVERHEAD for turn in turns]
    start, used = len(turns), 0
    while start > 0 and used + costs[start - 1] <= budget:
        start -= 1
        used += costs[start]
    if start == 0:
        return Fitted(list(turns), costs, 0)
    missing = [turn for turn in turns[:start] if turn.ref in keep]
    if missing:
        return _clipped(missing, budget, count=count, dropped=len(turns) - len(missing))
    anchored = start
    while anchored < len(turns) and turns[anchored].ordinal % ANCHOR:
        anchored += 1
    if len(turns) - anchored >= max(1, (len(turns) - start) // 2):
        start = anchored
    return Fitted(list(turns[start:]), costs[start:], start)


def _clipped(turns: Sequence[HistoryTurn], budget: int, *, count: Count, dropped: int) -> Fitted:
    room = max(budget // len(turns) - MESSAGE_OVERHEAD, MESSAGE_OVERHEAD)
    clipped = [turn.with_content(clip(turn.prompt.content, room, count)) for turn in turns]
    costs = [count(turn.prompt.content) + MESSAGE_OVERHEAD for turn in clipped]
    return Fitted(clipped, costs, dropped)


def clip(text: str, tokens: int, count: Count) -> str:
    """Return ``text`` cut in the middle to at most ``tokens`` tokens, the gap marked."""
    if count(text) <= tokens:
        return text
    low, high = 0, len(text) // 2
    while low < high:
        middle = (low + high + 1) // 2
        if count(_ends(text, middle)) <= tokens:
            low = middle
        else:
            high = middle - 1
    return _ends(text, low)


def last_answered(turns: Sequence[HistoryTurn], answered: set[str]) -> int:
    """Return the index from which on ``turns`` are what is being answered."""
    for index, turn in enumerate(turns):
        if turn.ref in answered:
            return index
    return len(turns)


def _ends(text: str, characters: int) -> str:
    return f"{text[:characters]}\n[…]\n{text[len(text) - characters :]}" if characters else "[…]"
