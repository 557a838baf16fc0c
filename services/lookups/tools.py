"""Tools for the weather and for currencies."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.domain.errors import ProviderError, Refused
from services.lookups.currency import LONGEST_AMOUNT, CurrencyService
from services.lookups.weather import LONGEST_PLACE, MOST_DAYS, WeatherService
from services.toolbox.spec import Cost, ToolContext, ToolSpec

_SECONDS = 35.0


class WeatherArguments(BaseModel):
    """Where and for how long."""

    place: str = Field(
        min_length=1, max_length=LONGEST_PLACE, description="Town, such as Paris or Paris, Texas."
    )
    days: int = Field(3, ge=1, le=MOST_DAYS, description="Days of forecast, today included.")


class ConversionArguments(BaseModel):
    """How much of which currency."""

    amount: str = Field(
        min_length=1,
        max_length=LONGEST_AMOUNT,
        coerce_numbers_to_str=True,
        description="The amount, such as 12.50.",
    )
    source: str = Field(min_length=1, max_length=20, description="Its currency, such as USD.")
    target: str = Field(min_length=1, max_length=20, description="The other one, such as EUR.")


def lookup_tools(weather: WeatherService, currency: CurrencyService) -> Sequence[ToolSpec]:
    """Return the tools that ask these services."""

    async def weather_at(arguments: WeatherArguments, _context: ToolContext) -> str:
        try:
            found = await weather.weather(arguments.place, days=arguments.days)
        except ProviderError as error:
            raise Refused(error.code, error.user_message) from error
        return "\n".join(found.lines())

    async def convert(arguments: ConversionArguments, _context: ToolContext) -> str:
        done = await currency.convert(arguments.amount, arguments.source, arguments.target)
        return done.line()

    return (
        ToolSpec(
            name="weather",
            area="weather",
            description="Tell the weather of a town now and in the next days.",
            keywords=(
                "forecast",
                "rain",
                "sunny",
                "snow",
                "umbrella",
                "wetter",
                "regen",
                "regnet",
                "schnee",
                "vorhersage",
            ),
            parameters=WeatherArguments,
            handler=weather_at,
            cost=Cost.NETWORK,
            timeout=_SECONDS,
        ),
        ToolSpec(
            name="convert_currency",
            area="currency",
            description="Convert money between currencies by the European Central Bank's rates.",
            keywords=(
                "exchange",
                "dollar",
                "dollars",
                "euro",
                "euros",
                "yen",
                "usd",
                "eur",
                "gbp",
                "chf",
                "franken",
                "wechselkurs",
                "währung",
            ),
            pattern=r"[€$£¥]\s?\d|\d\s?[€$£¥]",
            parameters=ConversionArguments,
            handler=convert,
            cost=Cost.NETWORK,
            timeout=_SECONDS,
            untrusted=False,
        ),
    )
