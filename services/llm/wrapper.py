"""What the models around other models have in common."""

from __future__ import annotations

from services.llm.model import ChatModel, Health, ModelEvent, ModelInfo


class ModelWrapper:
    """The parts of a ``ChatModel`` that its wrappers leave to the model inside."""

    def __init__(self, inner: ChatModel) -> None:
        self._inner = inner

    @property
    def info(self) -> ModelInfo:
        """What is known of the model inside since ``open``."""
        return self._inner.info

    async def open(self) -> ModelInfo:
        """Open the model inside; raises what it raises."""
        return await self._inner.open()

    async def probe(self) -> Health:
        """Say whether the model inside can answer now; never raises."""
        return await self._inner.probe()


class Passage:
    """Decides what of several tries at one answer reaches its reader.

    ``begun`` once text, a tool call or the end went through; from then on the answer belongs to the
    present try, all of it passes and no further try may be made. Until then reasoning passes as it
    comes, but that of the first try that reasons only, so that no thought is read twice.
    """

    def __init__(self) -> None:
        self.begun = False
        self._reasoned = False
        self._reasoned_before = False

    def admits(self, event: ModelEvent) -> bool:
        """Say whether ``event`` of the present try is passed on, and remember that it was."""
        if event.kind == "reasoning":
            if self._reasoned_before and not self.begun:
                return False
            self._reasoned = True
        else:
            self.begun = True
        return True

    def try_again(self) -> None:
        """Begin the next try."""
        self._reasoned_before = self._reasoned
