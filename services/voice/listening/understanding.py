"""Sound becomes guarded words and judgements; engines that fail are logged, not raised."""

from __future__ import annotations

import logging

from services.domain.errors import ProviderError
from services.domain.people import Author
from services.voice.listening.endpointing import TurnCompletion
from services.voice.listening.guards import guarded
from services.voice.listening.room import Room
from services.voice.listening.samples import Samples
from services.voice.listening.turn_text import HeardPart
from services.voice.listening.wording import wording

logger = logging.getLogger(__name__)


async def understood(room: Room, speaker: Author, clip: bytes, *, voiced: float) -> HeardPart:
    """Return what a clip with ``voiced`` seconds of speech says; ``failed`` when nobody can."""
    expected = room.languages.of(speaker.id)
    try:
        transcript = await room.transcriber.transcribe(clip, language=expected)
    except ProviderError as error:
        logger.warning("speech was not recognised", extra={"fault": error.fault.value})
        return HeardPart(text="", failed=True)
    language = transcript.language or expected
    left = guarded(
        transcript.text,
        wording=wording(language),
        voiced=voiced,
        confidence=transcript.confidence,
    )
    if left.suspicion is not None:
        logger.info("a transcript was cut", extra={"suspicion": left.suspicion.value})
    return HeardPart(
        text=left.text,
        language=language,
        confidence=transcript.confidence,
        invented=left.suspicion is not None and not left.text,
    )


async def judged(completion: TurnCompletion, samples: Samples, /) -> float | None:
    """Return how probably the turn is over; ``None`` when nobody can tell."""
    try:
        return await completion.probability(samples)
    except ProviderError as error:
        logger.warning("a turn's end was not judged", extra={"fault": error.fault.value})
        return None
