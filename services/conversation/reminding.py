"""What a character would be reminded of by a question, with where it knows each thing from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.conversation.recollection import Viewers, where
from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, PersonaId
from services.domain.people import Author
from services.memory.acquaintance import Acquaintance, Acquaintances
from services.memory.documents.repository import Quotable
from services.memory.documents.search import PassageSearch
from services.memory.recall.retrieval import Recalled, TurnRetrieval
from services.memory.summaries.rows import Summary
from services.memory.summaries.service import Summaries

_SUMMARIES = 10
_FACTS = 50
_PASSAGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """Everything a question brings back, best first; the newest summary last."""

    turns: Sequence[Recalled]
    known: Acquaintance
    summaries: Sequence[Summary]
    passages: Sequence[Quotable]

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values; moments in ISO 8601."""
        return {
            "turns": [
                {
                    "message": turn.message,
                    "speaker": turn.speaker,
                    "text": turn.text,
                    "said_at": turn.said_at.isoformat(),
                    "score": round(turn.score, 4),
                    "why": {name: round(part, 4) for name, part in turn.why.items()},
                    "by_words_alone": turn.by_words_alone,
                }
                for turn in self.turns
            ],
            "facts": [
                {
                    "id": fact.id,
                    "about": fact.about.name,
                    "teller": fact.teller.name,
                    "hearsay": fact.hearsay,
                    "text": fact.text,
                    "quote": fact.quote,
                    "source": fact.message,
                    "since": fact.valid_from.isoformat(),
                    "confidence": fact.confidence,
                    "pinned": fact.pinned,
                }
                for fact in self.known.facts
            ],
            "closeness": self.known.stage.value,
            "summaries": [
                {"id": one.id, "text": one.text, "from": one.first_message, "to": one.last_message}
                for one in self.summaries
            ],
            "documents": [{"where": where(one), "text": one.text} for one in self.passages],
        }


class Reminding:
    """Answers what would be recalled, exactly as far as it would be in a conversation."""

    def __init__(
        self,
        *,
        viewers: Viewers,
        retrieval: TurnRetrieval,
        acquaintances: Acquaintances,
        summaries: Summaries,
        passages: PassageSearch,
        clock: Clock,
    ) -> None:
        self._viewers = viewers
        self._retrieval = retrieval
        self._acquaintances = acquaintances
        self._summaries = summaries
        self._passages = passages
        self._clock = clock

    async def remind(
        self,
        question: str,
        *,
        account: AuthorId,
        persona: PersonaId,
        conversation: ConversationId,
        limit: int,
    ) -> Reminder:
        """Return what ``account`` asking ``question`` would bring back; up to ``limit`` turns.

        Somebody never seen before is reminded of nothing that needs having been there.
        """
        asker = Author(id=account, display_name=account.user)
        viewer = await self._viewers.asked_by(asker, persona, conversation)
        now = self._clock.now().astimezone()
        return Reminder(
            turns=await self._retrieval.search(question, viewer, now=now, limit=limit),
            known=await self._acquaintances.recall(viewer, question, limit=_FACTS),
            summaries=await self._summaries.recall(conversation, persona, newest=_SUMMARIES),
            passages=(await self._passages.search(question, viewer, limit=_PASSAGES)).found,
        )
