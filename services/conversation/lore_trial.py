"""Which lorebook entries a message would wake, without saying it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.conversation.choices import Choices
from services.conversation.ledger import Ledger
from services.conversation.scenery import SceneryPainter
from services.conversation.scenes import Scenes
from services.domain.clock import Clock
from services.domain.ids import ConversationId, IdSource, MessageId, TurnId
from services.domain.messages import HistoryEntry, Message, TextPart
from services.domain.people import Author
from services.domain.replies import TurnBrief, TurnKind
from services.llm.model import ModelInfo
from services.people.arrivals import Arrivals
from services.persona.character import Persona
from services.persona.lore.result import Activation, Skip
from services.settings import LlmSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """The entries a message would bring into the prompt of ``persona``, and why others stay out.

    ``missing`` names books that hold there but cannot be read; ``tokens`` counts the entries.
    """

    persona: Persona
    activated: Sequence[Activation] = ()
    skipped: Sequence[Skip] = ()
    missing: Sequence[str] = ()
    tokens: int = 0


class LoreTrial:
    """Makes the prompt of a turn up to its lore; nothing is generated, stored or counted."""

    def __init__(
        self,
        *,
        painter: SceneryPainter,
        choices: Choices,
        scenes: Scenes,
        ledger: Ledger,
        arrivals: Arrivals,
        clock: Clock,
        ids: IdSource,
        settings: LlmSettings,
        history_messages: int,
    ) -> None:
        self._painter = painter
        self._choices = choices
        self._scenes = scenes
        self._ledger = ledger
        self._arrivals = arrivals
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._history_messages = history_messages

    async def test(self, conversation: ConversationId, text: str, *, by: Author) -> Woken:
        """Return what ``by`` saying ``text`` would wake after what was said so far."""
        cast = await self._scenes.of(conversation)
        persona = cast.members[0] if cast.members else await self._choices.persona(conversation)
        author = replace(by, person=await self._arrivals.note(by))
        message = self._said(conversation, text, author)
        said = await self._ledger.recent(conversation, self._history_messages)
        last = said[-1] if said else None
        entry = HistoryEntry(
            message=message,
            ordinal=last.ordinal + 1 if last else 1,
            parent=last.message.id if last else None,
        )
        scenery = await self._painter.paint(
            self._brief(message, persona),
            persona,
            [*cast.known(said, persona.id), entry],
            info=ModelInfo(provider="", name="", context_tokens=self._settings.num_ctx),
            user=by.display_name,
            cast=cast.seen_by(persona),
        )
        result, missing = scenery.result, scenery.report.get("lorebooks_missing", ())
        return Woken(
            persona=persona,
            activated=result.activated if result else (),
            skipped=result.skipped if result else (),
            missing=[str(one) for one in missing] if isinstance(missing, list) else (),
            tokens=result.tokens if result else 0,
        )

    def _said(self, conversation: ConversationId, text: str, author: Author) -> Message:
        return Message(
            id=MessageId(self._ids.new()),
            conversation=conversation,
            author=author,
            parts=(TextPart(text=text),),
            created_at=self._clock.now(),
        )

    def _brief(self, message: Message, persona: Persona) -> TurnBrief:
        return TurnBrief(
            turn=TurnId(self._ids.new()),
            conversation=message.conversation,
            persona=persona.id,
            persona_name=persona.name,
            kind=TurnKind.REPLY,
            started_at=message.created_at,
            trigger=message,
            asker=message.author,
            burst=(message,),
        )
