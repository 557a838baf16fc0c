"""Whether any of the Ollama hosts answers, and when to ask them again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from services.domain.clock import Clock
from services.domain.errors import ProviderError, ProviderFault
from services.llm.engines import Engine

RECHECK_SECONDS = 30.0
REACHED_SECONDS = 3.0


class HostWatch:
    """Gives the hosts up when none of them can be reached, and takes them back when one answers.

    Both are told to ``on_notice``, once, with a code and a sentence. Hosts are asked at the same
    time; one that says nothing for ``REACHED_SECONDS`` cannot be reached.
    """

    def __init__(self, *, clock: Clock, on_notice: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._on_notice = on_notice
        self._checked_at = 0.0
        self.given_up = False
        """Whether none answered when they were last asked."""

    async def give_up(self, hosts: Sequence[Engine]) -> bool:
        """Ask ``hosts``; return whether they are given up, as none of them can be reached."""
        faults = await _faults(hosts)
        if any(fault is not ProviderFault.UNREACHABLE for fault in faults):
            return False
        if not self.given_up:
            self.given_up = True
            self._checked_at = self._clock.monotonic()
            named = " and ".join(map(_called, hosts))
            verb = "does" if len(hosts) == 1 else "do"
            self._on_notice(
                "ollama_unreachable",
                f"{named} {verb} not answer, so the built-in model is used; start Ollama or "
                "correct OLLAMA_HOST.",
            )
        return True

    def due(self) -> bool:
        """Say whether given-up hosts should be asked again now, at most every 30 s."""
        now = self._clock.monotonic()
        if not self.given_up or now - self._checked_at < RECHECK_SECONDS:
            return False
        self._checked_at = now
        return True

    async def recover(self, hosts: Sequence[Engine]) -> bool:
        """Ask ``hosts``; return whether one lists its models again, so that they are used."""
        faults = await _faults(hosts)
        back = [_called(host) for host, fault in zip(hosts, faults, strict=True) if fault is None]
        if not back:
            return False
        self.given_up = False
        self._on_notice("ollama_back", f"{back[0]} answers again and is used.")
        return True


async def _faults(hosts: Sequence[Engine]) -> list[ProviderFault | None]:
    """Return what is wrong with each host, ``None`` where nothing is."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_fault(host)) for host in hosts]
    return [each.result() for each in asked]


async def _fault(host: Engine) -> ProviderFault | None:
    try:
        async with asyncio.timeout(REACHED_SECONDS):
            await host.listed()
    except ProviderError as error:
        return error.fault
    except TimeoutError:
        return ProviderFault.UNREACHABLE
    return None


def _called(host: Engine) -> str:
    return host.where().removeprefix("on ")
