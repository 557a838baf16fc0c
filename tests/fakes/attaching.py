"""Sending messages with files to an opened application."""

from __future__ import annotations

from services.conversation.inbound import Addressing, Inbound, Outcome
from services.domain.ids import ConversationId, MessageId
from services.domain.messages import BlobPart, Message, TextPart
from services.domain.people import Author, Role
from services.factory import ServiceFactory
from tests.fakes.app import PLACE, SAM
from tests.fakes.recording import RecordingDelivery


async def stored(factory: ServiceFactory, name: str, content: bytes, media_type: str) -> BlobPart:
    """Keep a file as an attachment."""
    blob = await factory.blobs().put(content, media_type=media_type)
    kind = "image" if media_type.startswith("image/") else "file"
    return BlobPart(kind=kind, sha256=blob.sha256, media_type=media_type, name=name, size=blob.size)


async def send(
    factory: ServiceFactory,
    text: str,
    *files: tuple[str, bytes, str],
    place: ConversationId = PLACE,
    by: Author = SAM,
) -> tuple[Outcome, RecordingDelivery]:
    """Send a message with files, each a name, what is in it and its type, and wait."""
    parts = [await stored(factory, *file) for file in files]
    message = Message(
        id=MessageId(factory.ids().new()),
        conversation=place,
        author=by,
        parts=(TextPart(text=text), *parts),
        created_at=factory.clock().now(),
    )
    delivery = RecordingDelivery()
    receipt = await factory.conversations().receive(
        Inbound(
            message=message,
            delivery=delivery,
            addressing=Addressing(private=True),
            role=Role.OWNER,
        )
    )
    return await receipt.outcome(), delivery
