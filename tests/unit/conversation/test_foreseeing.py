"""Sources that begin before they are asked: only those that will be, with the text of the turn."""

from collections.abc import Sequence

import pytest

from services.conversation.collecting import Collecting
from services.conversation.sources import ContextBlock, Need
from services.domain.replies import TurnBrief
from services.observability.metrics import Metrics


class Slow:
    """Takes so long that it had better begin early."""

    name = "slow"
    priority = 1

    def __init__(self, serves: Need) -> None:
        self.serves = serves
        self.begun: list[str] = []

    def foresee(self, text: str, /) -> None:
        self.begun.append(text)

    async def collect(self, _: TurnBrief, /) -> Sequence[ContextBlock]:
        return []


class Quick:
    """Waits until it is asked."""

    name = "quick"
    priority = 1
    serves = Need.PRESENT

    async def collect(self, _: TurnBrief, /) -> Sequence[ContextBlock]:
        return []


@pytest.mark.parametrize(
    ("text", "recall", "knowledge"),
    [("Hi there", 0, 0), ("What did we say of the lake?", 1, 1), ("I like the lake in May", 1, 0)],
)
def test_only_what_the_text_deserves_begins(text: str, recall: int, knowledge: int):
    one, other = Slow(Need.RECALL), Slow(Need.KNOWLEDGE)
    Collecting([Quick(), one, other], metrics=Metrics()).foresee(text)
    assert one.begun == [text] * recall
    assert other.begun == [text] * knowledge
