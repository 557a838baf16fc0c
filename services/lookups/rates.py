"""The European Central Bank's daily exchange rates, kept on disk."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.parsers import expat

from services.domain.clock import Clock
from services.domain.errors import ProviderError, Refused
from services.net.configured import ConfiguredServer

logger = logging.getLogger(__name__)

EURO = "EUR"

_FRESH = timedelta(hours=6)
_PAUSE_SECONDS = 300.0
_MOST_CURRENCIES = 300
_SMALLEST, _LARGEST = Decimal("1e-9"), Decimal("1e9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a euro was worth on ``day``, by currency code; the euro itself is among them."""

    day: date
    per_euro: Mapping[str, Decimal]


def read_rates(xml: bytes) -> Rates:
    """Read the bank's document; raises ``ValueError`` for anything else."""
    per_euro = {EURO: Decimal(1)}
    days: list[date] = []

    def element(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        if "time" in attributes:
            days.append(date.fromisoformat(attributes["time"]))
        if "currency" in attributes and len(per_euro) < _MOST_CURRENCIES:
            per_euro[_code(attributes["currency"])] = _rate(attributes.get("rate", ""))

    def no_types(*_: object) -> None:
        raise ValueError("a document type is not expected")  # noqa: TRY003

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = no_types
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise ValueError("the rates are not XML") from error  # noqa: TRY003
    if len(days) != 1 or len(per_euro) == 1:
        raise ValueError("the rates are not those of one day")  # noqa: TRY003
    return Rates(day=days[0], per_euro=per_euro)


class RateTable:
    """Fetches the rates when they are older than six hours, and has the last ones without it."""

    def __init__(self, server: ConfiguredServer, *, path: Path, clock: Clock) -> None:
        self._server = server
        self._path = path
        self._clock = clock
        self._alone = asyncio.Lock()
        self._held: tuple[datetime, Rates] | None = None
        self._tried: float | None = None

    async def rates(self) -> Rates:
        """Return the newest rates there are; after a failure none are fetched for five minutes.

        Raises ``Refused`` when they can neither be fetched nor were ever kept.
        """
        async with self._alone:
            if self._held is None:
                self._held = await asyncio.to_thread(_kept, self._path)
            if self._held is None or abs(self._clock.now() - self._held[0]) > _FRESH:
                await self._renew()
            if self._held is None:
                raise Refused(
                    "rates_missing", "The exchange rates cannot be fetched now; try again later."
                )
            return self._held[1]

    async def _renew(self) -> None:
        now = self._clock.monotonic()
        if self._tried is not None and now - self._tried < _PAUSE_SECONDS:
            return
        self._tried = now
        try:
            document = (await self._server.get()).body
            rates = read_rates(document)
        except (ProviderError, ValueError) as error:
            logger.warning("exchange rates were not fetched", extra={"reason": str(error)[:100]})
            return
        self._tried = None
        self._held = (self._clock.now(), rates)
        try:
            await asyncio.to_thread(_keep, self._path, *self._held)
        except OSError:
            logger.exception("exchange rates were not kept")


def _keep(path: Path, fetched: datetime, rates: Rates) -> None:
    content = {
        "fetched": fetched.isoformat(),
        "day": rates.day.isoformat(),
        "per_euro": {code: str(rate) for code, rate in rates.per_euro.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content))
    part.replace(path)


def _kept(path: Path) -> tuple[datetime, Rates] | None:
    try:
        content = json.loads(path.read_bytes())
        fetched = datetime.fromisoformat(content["fetched"])
        per_euro = {_code(code): _rate(rate) for code, rate in content["per_euro"].items()}
        rates = Rates(day=date.fromisoformat(content["day"]), per_euro=per_euro)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        logger.warning("kept exchange rates cannot be read")
        return None
    return (fetched, rates) if fetched.tzinfo is not None and EURO in per_euro else None


def _code(text: str) -> str:
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        raise ValueError("a currency has three letters")  # noqa: TRY003
    return text.upper()


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("a rate is a number") from error  # noqa: TRY003
    if not rate.is_finite() or not _SMALLEST < rate < _LARGEST:
        raise ValueError("a rate is positive and sensible")  # noqa: TRY003
    return rate
