"""What a failure means for the exit code and in words."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterator
from dataclasses import dataclass

from services.domain.errors import AcoreError, Busy, ProviderError, StorageError

DONE = 0
WRONG_SETTINGS = 1
UNREACHABLE = 2
DEFECT = 3
INTERRUPTED = 130

_DEPENDENCY = (ProviderError, StorageError, Busy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The exit code, and the sentence for people if there is something to say.

    ``known`` is the error that was foreseen; without one and with ``DEFECT`` it is a defect.
    """

    code: int
    sentence: str | None = None
    known: AcoreError | None = None


def judged(error: BaseException) -> Verdict:
    """Say what ``error``, or what it is a group of, amounts to."""
    causes = list(_leaves(error))
    if reader_gone(error):
        return Verdict(code=DONE)
    if any(isinstance(cause, (KeyboardInterrupt, asyncio.CancelledError)) for cause in causes):
        return Verdict(code=INTERRUPTED)
    if unwritable := next((cause for cause in causes if _is_output_gone(cause)), None):
        sentence = f"The output cannot be written: {unwritable}."
        return Verdict(code=UNREACHABLE, sentence=sentence)
    known = next((cause for cause in causes if isinstance(cause, AcoreError)), None)
    if known is None:
        return Verdict(code=DEFECT)
    code = UNREACHABLE if isinstance(known, _DEPENDENCY) else WRONG_SETTINGS
    return Verdict(code=code, sentence=known.user_message, known=known)


def reader_gone(error: BaseException) -> bool:
    """Tell whether nobody reads the output any more, which is no failure."""
    return any(isinstance(cause, BrokenPipeError) for cause in _leaves(error))


def _is_output_gone(cause: BaseException) -> bool:
    return isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EIO}


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
