"""Why a turn went as it did: the stored account, and the recent prompts word for word."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.domain.ids import TurnId
from services.llm.model import PromptMessage

_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was decided in a turn and what was in its prompt.

    ``prompt`` is word for word while the turn is among the last hundred of this process, else
    empty; ``account`` is stored with the turn and holds no message text.
    """

    turn: TurnId
    state: str
    account: Mapping[str, object]
    prompt: Sequence[PromptMessage] = field(default_factory=tuple)

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "turn": self.turn,
            "state": self.state,
            **self.account,
            "messages": [
                {"role": str(message.role), "source": message.source, "content": message.content}
                for message in self.prompt
            ],
        }

    def lines(self) -> list[str]:
        """Return the account for reading, one fact a line, then the prompt."""
        lines = [f"turn {self.turn}: {self.state}"]
        for key, value in self.account.items():
            if key != "prompt":
                lines.append(f"{key.replace('_', ' ')}: {_plain(value)}")
        parts = self.account.get("prompt")
        for part in parts if isinstance(parts, list) else ():
            lines.append(
                f"prompt part: {part['role']} {part['source']}, {part['messages']} messages, "
                f"{part['tokens']} tokens"
            )
        for message in self.prompt:
            lines.append(f"--- {message.role} ({message.source})")
            lines.extend(message.content.splitlines())
        return lines


class Inspector:
    """Keeps the prompts of the last hundred turns, in memory only."""

    def __init__(self) -> None:
        self._prompts: OrderedDict[TurnId, Sequence[PromptMessage]] = OrderedDict()

    def remember(self, turn: TurnId, messages: Sequence[PromptMessage]) -> None:
        """Keep ``turn``'s prompt, dropping the oldest beyond a hundred."""
        self._prompts[turn] = messages
        while len(self._prompts) > _KEPT:
            self._prompts.popitem(last=False)

    def clear(self) -> None:
        """Forget every prompt."""
        self._prompts.clear()

    def prompt(self, turn: TurnId) -> Sequence[PromptMessage]:
        """Return ``turn``'s prompt, empty when it is no longer kept."""
        return self._prompts.get(turn, ())


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value) or "none"
    return str(value)
