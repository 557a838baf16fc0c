"""A conversation core that notes what it is handed and answers when a test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from services.conversation.inbound import Inbound, Outcome, Receipt
from services.domain.errors import AcoreError
from services.domain.ids import ConversationId
from services.domain.people import Author
from services.domain.replies import InterruptReason


class FakeConversations:
    """Takes everything in; changes wait for ``gate``, and calls fail with ``failing``."""

    def __init__(self) -> None:
        self.received: list[Inbound] = []
        self.receipts: list[Receipt] = []
        self.changes: list[tuple[str, str]] = []
        self.gone: list[str] = []
        self.stopped: list[InterruptReason] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing: Exception | None = None

    @property
    def asked(self) -> list[str]:
        return [each.message.text for each in self.received if each.addressing.private]

    @property
    def overheard(self) -> list[str]:
        return [each.message.text for each in self.received if not each.addressing.private]

    async def receive(self, inbound: Inbound) -> Receipt:
        self._fail()
        self.received.append(inbound)
        self.receipts.append(Receipt(inbound.message.conversation))
        return self.receipts[-1]

    async def corrected(
        self, _: ConversationId, external_id: str, text: str, *, by: Author
    ) -> bool:
        await self.gate.wait()
        self._fail()
        self.changes.append((external_id, text))
        return True

    async def withdrawn(self, _: ConversationId, external_ids: Sequence[str]) -> int:
        await self.gate.wait()
        self._fail()
        self.gone.extend(external_ids)
        return len(external_ids)

    def stop(self, _: ConversationId, reason: InterruptReason) -> bool:
        self.stopped.append(reason)
        return True

    async def hush(self, _: Collection[ConversationId]) -> None:
        await self.gate.wait()

    def answer(self, text: str, outcome: Outcome | AcoreError | None = None) -> None:
        """Let what was asked with ``text`` be done."""
        for inbound, receipt in zip(self.received, self.receipts, strict=True):
            if inbound.message.text == text:
                if isinstance(outcome, AcoreError):
                    receipt.fail(outcome)
                else:
                    receipt.settle(outcome or Outcome())

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing
