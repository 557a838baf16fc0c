"""The pictures that a prompt shows: to models that can see, and in words to the others."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from services.conversation.file_names import shown_name
from services.conversation.limits import BoundedMap
from services.conversation.sources import ContextBlock
from services.domain.errors import AcoreError, InvalidRequest
from services.domain.ids import ConversationId
from services.domain.messages import BlobPart, HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import TurnBrief
from services.images.sound import SoundPicture, sound_picture
from services.llm.model import (
    ChatModel,
    ChatRequest,
    ContentDelta,
    ModelInfo,
    PromptMessage,
    PromptRole,
    Sampling,
)
from services.persona.prompts import PromptLibrary
from services.settings import ImagesSettings

logger = logging.getLogger(__name__)

ReadBlob = Callable[[str], Awaitable[bytes]]
"""Returns the bytes of a blob by its sha256."""

TOKENS = 700
"""Tokens set aside for a picture; what models count differs from some 80 to 1,600."""

_AT_ONCE = 2
_KEPT = 8
_DESCRIBED = 200
_SEARCHED = 12
_DESCRIBE_SECONDS = 60.0
_DESCRIPTION_TOKENS = 300
_LONGEST_DESCRIPTION = 1500


class ModelSource(Protocol):
    """Where chat models come from."""

    async def get(self, name: str | None = None) -> ChatModel:
        """Return an opened model."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a prompt shows of pictures: themselves by the ordinals of messages, and ``notes``."""

    images: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict)
    notes: Sequence[ContextBlock] = ()

    @property
    def tokens(self) -> int:
        """What the pictures take of the model's context, estimated."""
        return TOKENS * sum(map(len, self.images.values()))


NOTHING_SEEN = Seen()


class Pictures:
    """Brings attached pictures before a model, and gives notes about them.

    Where the model cannot see, the vision model describes each picture once, if there is one.
    """

    name = "pictures"
    priority = 96

    def __init__(
        self,
        settings: ImagesSettings,
        *,
        read_blob: ReadBlob,
        models: ModelSource,
        prompts: PromptLibrary,
    ) -> None:
        self._settings = settings
        self._read_blob = read_blob
        self._models = models
        self._prompts = prompts
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._sound: BoundedMap[str, SoundPicture] = BoundedMap(_KEPT)
        self._described: BoundedMap[str, str] = BoundedMap(_DESCRIBED)

    async def look(
        self, brief: TurnBrief, history: Sequence[HistoryEntry], *, info: ModelInfo
    ) -> Seen:
        """Return the pictures in what is answered, then the newest of earlier messages.

        As many as the settings say, and as fit into a third of the model's context. What cannot be
        shown is told in a note. Waits for descriptions, a minute each at most.
        """
        parts = self._chosen(brief, history, info)
        if not parts:
            return NOTHING_SEEN
        if not (info.vision and self._settings.send_to_models):
            return Seen(notes=await self._told([part for _, part in parts], brief.conversation))
        images: dict[int, list[bytes]] = {}
        notes = []
        for ordinal, part in parts:
            try:
                images.setdefault(ordinal, []).append((await self._opened(part)).content)
            except AcoreError as error:
                notes.append(_unopened(part, error))
        shown = {ordinal: tuple(found) for ordinal, found in images.items() if found}
        return Seen(images=shown, notes=notes)

    def refresh(self) -> None:
        """Forget every picture that is held, and what was said of it."""
        self._sound.clear()
        self._described.clear()

    async def check(self, content: bytes, *, info: ModelInfo) -> None:
        """Raise ``InvalidRequest`` when ``content`` is no picture, or nobody could look at it."""
        await sound_picture(content, longest_side=self._settings.longest_side)
        sees = info.vision and self._settings.send_to_models
        if not sees and self._settings.vision_model is None:
            raise InvalidRequest(
                "pictures_unseen",
                f"{info.name} cannot see pictures; choose a model that can, or have "
                "images.vision_model set.",
            )

    def _chosen(
        self, brief: TurnBrief, history: Sequence[HistoryEntry], info: ModelInfo
    ) -> list[tuple[int, BlobPart]]:
        """Return the pictures to show with the ordinals of their messages, oldest first."""
        room = max(1, info.context_tokens // 3 // TOKENS)
        most = min(self._settings.most_shown, room)
        answered = {message.id for message in brief.burst}
        new = _pictures_in([entry for entry in history if entry.message.id in answered])[:most]
        before = [entry for entry in history[-_SEARCHED:] if entry.message.id not in answered]
        earlier = min(self._settings.earlier_shown, most - len(new))
        old = _pictures_in(before)[-earlier:] if earlier > 0 else []
        return sorted([*old, *new], key=lambda found: found[0])

    async def _opened(self, part: BlobPart) -> SoundPicture:
        known = self._sound.get(part.sha256)
        if known is None:
            async with self._turns:
                known = await sound_picture(
                    await self._read_blob(part.sha256), longest_side=self._settings.longest_side
                )
            self._sound.put(part.sha256, known)
        return known

    async def _told(
        self, parts: Sequence[BlobPart], place: ConversationId
    ) -> Sequence[ContextBlock]:
        notes = []
        for part in parts:
            try:
                if self._settings.vision_model is None:
                    await self._opened(part)
                    notes.append(self._note("conversation/picture_unseen", part))
                else:
                    text = await self._description(part, place)
                    notes.append(self._note("conversation/picture_described", part, text=text))
            except AcoreError as error:
                notes.append(_unopened(part, error))
        return notes

    def _note(self, prompt: str, part: BlobPart, **values: str) -> ContextBlock:
        text = self._prompts.render(prompt, picture=shown_name(part.name), **values)
        return ContextBlock(text=text, refs=(part.sha256,))

    async def _description(self, part: BlobPart, place: ConversationId) -> str:
        name = self._settings.vision_model
        key = hashlib.sha256(f"{name}\0{part.sha256}".encode()).hexdigest()
        known = self._described.get(key)
        if known is None:
            picture = await self._opened(part)
            model = await self._models.get(name)
            if not model.info.vision:
                raise InvalidRequest("vision_model_blind", f"{model.info.name} cannot see either.")
            known = await self._asked(model, picture, f"{place.platform}:{place.scope}")
            self._described.put(key, known)
        return known

    async def _asked(self, model: ChatModel, picture: SoundPicture, tenant: str) -> str:
        request = ChatRequest(
            messages=(
                PromptMessage(
                    role=PromptRole.USER,
                    content=self._prompts.render("conversation/describe_picture"),
                    source=self.name,
                    images=(picture.content,),
                ),
            ),
            sampling=Sampling(max_tokens=_DESCRIPTION_TOKENS, temperature=0.2),
            think=False,
            tenant=tenant,
        )
        said: list[str] = []
        try:
            async with (
                asyncio.timeout(_DESCRIBE_SECONDS),
                aclosing(model.stream(request)) as events,
            ):
                async for event in events:
                    if isinstance(event, ContentDelta):
                        said.append(event.text)
        except TimeoutError as error:
            raise InvalidRequest("vision_slow", "looking at it took too long.") from error
        text = "".join(said).strip()[:_LONGEST_DESCRIPTION]
        if not text:
            raise InvalidRequest("vision_silent", "nothing was said about it.")
        return text.replace("</picture>", "<\\/picture>")


def _pictures_in(entries: Sequence[HistoryEntry]) -> list[tuple[int, BlobPart]]:
    """Return the pictures people sent; servers take none as a character's own words."""
    return [
        (entry.ordinal, part)
        for entry in entries
        if entry.message.author.kind is not AuthorKind.PERSONA
        for part in entry.message.attachments
        if part.kind == "image"
    ]


def _unopened(part: BlobPart, error: AcoreError) -> ContextBlock:
    logger.info("a picture cannot be shown", extra={"code": error.code})
    text = (
        f"The picture {shown_name(part.name)} cannot be seen: {error.user_message} "
        "Say so instead of guessing what it shows."
    )
    return ContextBlock(text=text, refs=(part.sha256,))
