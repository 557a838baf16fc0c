"""A whole acore in one process, with only the model scripted."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dependency_injector import providers

from services.conversation.inbound import Addressing, Inbound, Outcome, Receipt
from services.conversation.service import ConversationService
from services.conversation.sources import ContextSource, OverheardSource, TimeSource
from services.domain.clock import Clock
from services.domain.ids import AuthorId, ConversationId, MessageId
from services.domain.messages import Message, Modality, TextPart
from services.domain.people import Author, AuthorKind, Role
from services.domain.replies import Delivery
from services.factory import ServiceFactory
from services.llm.catalog import PullProgress
from services.llm.model import ChatModel, ModelListing
from services.memory.embedding import Embedder
from services.settings import (
    LlmSettings,
    MemorySettings,
    PersonaSettings,
    Settings,
    StorageSettings,
)
from services.toolbox.spec import ToolSpec
from services.toolbox.toolbox import Toolbox
from tests.fakes.recording import RecordingDelivery

CHARACTERS = Path(__file__).parents[2] / "characters"
PLACE = ConversationId("test", "local", "main")
SAM = Author(id=AuthorId("test", "sam"), display_name="Sam")
KIM = Author(id=AuthorId("test", "kim"), display_name="Kim")


class OneModel:
    """A catalog with a single, always open model."""

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self.asked: list[str | None] = []
        self.settings = LlmSettings()
        self.listings: Sequence[ModelListing] = (ModelListing(name="scripted"),)
        self.pulling: Callable[[str], AsyncGenerator[PullProgress, None]] | None = None

    async def get(self, name: str | None = None, *, fallbacks: Sequence[str] = ()) -> ChatModel:
        self.asked.append(name)
        await self.model.open()
        return self.model

    async def available(self) -> Sequence[ModelListing]:
        return self.listings

    def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        assert self.pulling is not None, "nothing was said about fetching"
        return self.pulling(name)

    def reconfigure(self, settings: LlmSettings) -> None:
        self.settings = settings

    async def __aenter__(self) -> OneModel:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def settings_in(data: Path, **sections: object) -> Settings:
    """Settings with everything under ``data``; the model is asked for answers alone."""
    return Settings.model_validate(
        {
            "storage": StorageSettings(data=data),
            "persona": PersonaSettings(characters=CHARACTERS),
            "memory": MemorySettings(embedder="none", learning="rules", summaries=False),
            **sections,
        }
    )


@dataclass
class App:
    """An opened application and short ways to talk to it."""

    factory: ServiceFactory
    model: ChatModel
    sent: int = 0

    @property
    def conversations(self) -> ConversationService:
        return self.factory.conversations()

    def message(
        self,
        text: str,
        *,
        by: Author = SAM,
        place: ConversationId = PLACE,
        modality: Modality = Modality.TEXT,
        hop: int = 0,
        external: Sequence[str] = (),
    ) -> Message:
        return Message(
            id=MessageId(self.factory.ids().new()),
            conversation=place,
            author=by,
            parts=(TextPart(text=text),),
            created_at=self.factory.clock().now(),
            modality=modality,
            hop=hop,
            external_ids=tuple(external),
        )

    async def post(
        self,
        text: str,
        delivery: Delivery,
        *,
        private: bool = True,
        role: Role = Role.OWNER,
        by: Author = SAM,
        place: ConversationId = PLACE,
        modality: Modality = Modality.TEXT,
        hop: int = 0,
        external: Sequence[str] = (),
    ) -> Receipt:
        """Send a message without waiting for what becomes of it."""
        message = self.message(
            text, by=by, place=place, modality=modality, hop=hop, external=external
        )
        return await self.conversations.receive(
            Inbound(
                message=message,
                delivery=delivery,
                addressing=Addressing(private=private),
                role=role,
            )
        )

    async def say(
        self, text: str, delivery: Delivery | None = None, **how: object
    ) -> tuple[Outcome, RecordingDelivery]:
        """Send a message and wait for its outcome."""
        delivery = delivery or RecordingDelivery()
        receipt = await self.post(text, delivery, **how)  # type: ignore[arg-type]
        return await receipt.outcome(), delivery  # type: ignore[return-value]

    async def history(self, place: ConversationId = PLACE) -> list[tuple[str, str]]:
        """What the conversation's active branch says, as (who, text)."""
        entries = await self.conversations.recent(place, 200)
        return [
            (
                entry.message.author.persona or entry.message.author.id.user
                if entry.message.author.kind is AuthorKind.PERSONA
                else entry.message.author.id.user,
                entry.text,
            )
            for entry in entries
        ]


@asynccontextmanager
async def opened_app(
    data: Path,
    model: ChatModel,
    *,
    tools: Sequence[ToolSpec] = (),
    sources: Sequence[ContextSource] = (),
    clock: Clock | None = None,
    embedder: Embedder | None = None,
    **sections: object,
) -> AsyncIterator[App]:
    """Open every service over ``data`` with ``model`` in place of the real ones.

    ``sources`` take the place of those of memory.
    """
    factory = ServiceFactory(settings=settings_in(data, **sections))
    if clock is not None:
        factory.clock.override(providers.Object(clock))
    factory.models.override(providers.Object(OneModel(model)))
    factory.toolbox.override(providers.Singleton(Toolbox, [tools]))
    if sources:
        factory.sources.override(
            providers.List(
                providers.Singleton(TimeSource, factory.clock),
                providers.Singleton(OverheardSource, factory.gate.provided.overheard),
                *(providers.Object(source) for source in sources),
            )
        )
    if embedder is not None:
        factory.embedder.override(providers.Object(embedder))
    async with factory.lifespan():
        yield App(factory, model)
