"""The clock of what comes in: zero is the first sample of a file, or of the microphone."""

from __future__ import annotations

from services.domain.clock import Clock


class Timeline:
    """Translates between the clock and the time of an input, which begins when it is ``begun``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin: float | None = None

    @property
    def origin(self) -> float | None:
        """When the first sample came, on the clock; ``None`` before."""
        return self._origin

    @property
    def now(self) -> float:
        """Seconds since the first sample; zero before."""
        return self.of(self._clock.monotonic())

    def begin(self) -> float:
        """Let the first sample be now, unless it has been already; return when that is."""
        if self._origin is None:
            self._origin = self._clock.monotonic()
        return self._origin

    def of(self, at: float, /) -> float:
        """Return a moment of the clock in seconds since the first sample; zero before that came."""
        return 0.0 if self._origin is None else at - self._origin
