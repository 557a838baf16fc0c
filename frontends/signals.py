"""Reacting to what the operating system tells the process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType


@contextmanager
def signals_heeded(reactions: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Call what ``reactions`` name when the process gets a signal inside the block.

    A reaction interrupts the main thread wherever it is, so it must be short. Whoever heeds a
    signal innermost gets it. A signal that the process was started to ignore, as under nohup, stays
    ignored.
    """
    before = {
        number: signal.getsignal(number)
        for number in reactions
        if signal.getsignal(number) != signal.SIG_IGN
    }

    def heed(number: int, _frame: FrameType | None) -> None:
        reactions[signal.Signals(number)]()

    for number in before:
        signal.signal(number, heed)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
