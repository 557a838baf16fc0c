"""Converting amounts between currencies by the European Central Bank's rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext

from services.domain.errors import InvalidRequest, NotFound
from services.lookups.rates import RateTable

LONGEST_AMOUNT = 30

_LARGEST, _SMALLEST = Decimal(10) ** 15, Decimal(10) ** -12
_DIGITS = 40
_WHOLE = frozenset({"JPY", "KRW", "ISK", "HUF", "IDR"})
_SMALL = Decimal("0.01")
_MANY = 1000
_NAMES = {
    "€": "EUR",
    "EURO": "EUR",
    "EUROS": "EUR",
    "$": "USD",
    "DOLLAR": "USD",
    "DOLLARS": "USD",
    "£": "GBP",
    "POUND": "GBP",
    "POUNDS": "GBP",
    "PFUND": "GBP",
    "¥": "JPY",
    "YEN": "JPY",
    "FRANKEN": "CHF",
    "ZLOTY": "PLN",
    "₹": "INR",
    "₩": "KRW",
    "YUAN": "CNY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """An amount in another currency by the rates of ``day``; ``rate`` is what one unit was worth.

    ``result`` is exact, as far as forty digits are.
    """

    amount: Decimal
    source: str
    result: Decimal
    target: str
    rate: Decimal
    day: date

    def line(self) -> str:
        """Return it as a sentence with the date of the rates."""
        return (
            f"{_shown(self.amount, self.source)} {self.source} = "
            f"{_shown(self.result, self.target)} {self.target} (1 {self.source} = "
            f"{_significant(self.rate)} {self.target}, European Central Bank, "
            f"{self.day:%d %B %Y})"
        )


class CurrencyService:
    """Converts by way of the euro."""

    def __init__(self, table: RateTable) -> None:
        self._table = table

    async def convert(self, amount: str, source: str, target: str) -> Conversion:
        """Return ``amount`` of one currency in another, both as code, sign or common name.

        The amount may have a decimal comma or point, and no other separators. Raises
        ``InvalidRequest``, ``NotFound`` for a currency without a rate and ``Refused`` without any
        rates.
        """
        value = _amount(amount)
        rates = await self._table.rates()
        per_euro = rates.per_euro
        codes = [_code(name) for name in (source, target)]
        for code in codes:
            if code not in per_euro:
                known = ", ".join(sorted(per_euro))
                raise NotFound("currency_unknown", f"There is a rate for these only: {known}.")
        with localcontext() as context:
            context.prec = _DIGITS
            rate = per_euro[codes[1]] / per_euro[codes[0]]
            return Conversion(
                amount=value,
                source=codes[0],
                result=value * per_euro[codes[1]] / per_euro[codes[0]],
                target=codes[1],
                rate=rate,
                day=rates.day,
            )


def _code(name: str) -> str:
    written = name.strip().upper()
    return _NAMES.get(written, written)


def _amount(text: str) -> Decimal:
    plain = text.strip()
    plain = plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain
    try:
        fine = plain.isascii() and len(plain) <= LONGEST_AMOUNT and "_" not in plain
        value = Decimal(plain if fine else "")
    except InvalidOperation as error:
        raise _no_amount() from error
    size = value.copy_abs()
    if not value.is_finite() or size > _LARGEST or (value and size < _SMALLEST):
        raise _no_amount()
    return value


def _no_amount() -> InvalidRequest:
    return InvalidRequest(
        "currency_amount", "Write the amount as a number such as 1250.50, up to a quadrillion."
    )


def _shown(value: Decimal, code: str) -> str:
    if value and abs(value) < _SMALL:
        return _significant(value)
    step = Decimal(1) if code in _WHOLE and abs(value) >= 1 else _SMALL
    return f"{value.quantize(step, ROUND_HALF_EVEN):,}"


def _significant(value: Decimal) -> str:
    if abs(value) >= _MANY:
        return f"{value:,.2f}"
    return f"{Decimal(f'{value:.4e}').normalize():f}"
