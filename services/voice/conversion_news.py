"""Tells a call that voices pass unconverted, and that they are converted again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.domain.clock import Clock
from services.voice.call_events import CallEvent, Trouble, Troubled
from services.voice.engines.converted_speech import ConvertedSpeech
from services.voice.synthesis import TextToSpeech


@contextmanager
def conversion_news(
    speech: TextToSpeech, *, clock: Clock, on_event: Callable[[CallEvent], None]
) -> Iterator[None]:
    """Report ``Trouble.CONVERSION`` while entered, once until converting works again.

    What was so before is reported on entering. Speech that is not converted has no news.
    """

    def tell(sentence: str | None) -> None:
        on_event(
            Troubled(
                trouble=Trouble.CONVERSION,
                text=sentence or "",
                at=clock.monotonic(),
                over=sentence is None,
            )
        )

    if not isinstance(speech, ConvertedSpeech):
        yield
        return
    with speech.watched(tell):
        yield
