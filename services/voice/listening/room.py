"""What the hearings of all speakers in one call share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.domain.clock import Clock
from services.lifecycle import Supervisor
from services.voice.listening.echo import EchoMemory
from services.voice.listening.endpointing import Patience, TurnCompletion
from services.voice.listening.events import ListeningEvent
from services.voice.listening.languages import Languages
from services.voice.listening.transcribing import Transcriber
from services.voice.listening.wake import Wake

ANSWER_SECONDS = 15.0
"""How long after its end a question of the bot makes listening more patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningSettings:
    """How listening goes about its work; times in seconds.

    Speech within ``continuation`` of a decided turn that is not answered yet goes on with it.
    Parts of a turn are closed by a pause of ``part_pause``, or by any pause once they are
    ``part_seconds`` long. While the bot is heard, speech is transcribed as it goes after
    ``first_probe`` of voice and every ``next_probe`` more, and ``resumed_probe`` after a pause;
    words of less than ``probe_confidence`` are passed over then.
    """

    patience: Patience = field(default_factory=Patience)
    part_pause: float = 0.4
    part_seconds: float = 8.0
    continuation: float = 1.5
    first_probe: float = 0.38
    next_probe: float = 0.4
    resumed_probe: float = 0.12
    probe_confidence: float = 0.36
    most_speakers: int = 25
    tick: float = 0.02


@dataclass(slots=True, kw_only=True)
class Room:
    """Collaborators and what is known of the bot; ``emit`` must be quick and raise nothing."""

    settings: ListeningSettings
    clock: Clock
    supervisor: Supervisor
    transcriber: Transcriber
    completion: TurnCompletion | None
    wake: Wake
    languages: Languages
    emit: Callable[[ListeningEvent], None]
    echo: EchoMemory = field(default_factory=EchoMemory)
    turns: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    bot_heard: bool = False
    asked_at: float | None = None

    def expects_answer(self, since: float) -> bool:
        """Say whether speech that began at ``since`` may answer a question of the bot."""
        return self.asked_at is not None and since - self.asked_at <= ANSWER_SECONDS
