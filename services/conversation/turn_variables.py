"""The variables of one turn: what it found, what it has changed, what lasts of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.conversation.scene_state import (
    Changes,
    LastTurn,
    SceneState,
    SceneStates,
    changes,
    taken_back,
)
from services.domain.messages import HistoryEntry
from services.domain.replies import TurnBrief, TurnKind
from services.persona.character import Persona
from services.persona.lore.effects import TimedEffects
from services.persona.macros.environment import Value


@dataclass(slots=True, kw_only=True)
class TurnVariables:
    """``local`` and ``shared`` are for macros to change; nothing is stored before ``keep``.

    An answer that is given anew begins with the variables that its first version began with, so
    that whatever a card counts is counted once; ``undone`` is what that takes back of the shared.
    """

    stored: SceneState
    seen: str
    local: dict[str, Value]
    shared: dict[str, Value]
    undone: Changes = field(default_factory=dict)
    _local_before: Mapping[str, Value] = field(init=False)
    _shared_before: Mapping[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        self._local_before = dict(self.local)
        self._shared_before = dict(self.shared)

    async def keep(self, states: SceneStates, brief: TurnBrief, effects: TimedEffects) -> None:
        """Store them with the lasting ``effects`` of lore. Raises ``StorageError``."""
        local = changes(self._local_before, self.local)
        shared = changes(self._shared_before, self.shared)
        last = LastTurn(seen=self.seen, local=local, shared=shared) if local or shared else None
        state = SceneState(variables=dict(self.local), effects=effects, last=last)
        await states.keep(brief.conversation, brief.persona, state)
        await states.keep_shared({**self.undone, **shared})


async def variables_of(
    states: SceneStates, brief: TurnBrief, persona: Persona, history: Sequence[HistoryEntry]
) -> TurnVariables:
    """Return the variables a turn begins with. Raises ``StorageError``."""
    stored = await states.of(brief.conversation, persona.id)
    shared = dict(await states.shared())
    seen = history[-1].message.id if history else ""
    last = stored.last
    if brief.kind is not TurnKind.REGENERATE or last is None or last.seen != seen:
        return TurnVariables(stored=stored, seen=seen, local=dict(stored.variables), shared=shared)
    earlier = taken_back(shared, last.shared)
    return TurnVariables(
        stored=stored,
        seen=seen,
        local=taken_back(stored.variables, last.local),
        shared=earlier,
        undone=changes(shared, earlier),
    )
