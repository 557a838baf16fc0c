"""The weather at a place, from a service that speaks Open-Meteo's API (open-meteo.com/en/docs)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.domain.errors import InvalidRequest, NotFound
from services.net.configured import ConfiguredServer

MOST_DAYS = 7
LONGEST_PLACE = 100

_CURRENT = "temperature_2m,apparent_temperature,relative_humidity_2m,wind_speed_10m,weather_code"
_DAILY = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max"
_SKIES = {  # WMO code table 4677, as far as the service uses it
    0: "clear sky",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light showers",
    81: "showers",
    82: "violent showers",
    85: "snow showers",
    86: "heavy snow showers",
    95: "thunderstorm",
    96: "thunderstorm with hail",
    99: "thunderstorm with heavy hail",
}

_MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day's forecast in degrees Celsius; ``rain`` is the chance of it in percent, if known."""

    date: date
    sky: str
    high: float
    low: float
    rain: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The weather at a place: degrees Celsius, percent, kilometres an hour, the place's own days.

    ``local_time`` is when it was measured, as ``HH:MM`` there.
    """

    place: str
    local_time: str
    sky: str
    temperature: float
    feels_like: float
    humidity: int
    wind: float
    days: tuple[Day, ...]

    def lines(self) -> list[str]:
        """Return it as text, the present first."""
        now = (
            f"{self.place}, {self.local_time} there: {self.sky}, {_degrees(self.temperature)} "
            f"(feels like {_degrees(self.feels_like)}), wind {self.wind:.0f} km/h, "
            f"humidity {self.humidity} %."
        )
        return [now, *map(_day_line, self.days)]


@dataclass(frozen=True, slots=True)
class _Found:
    latitude: float
    longitude: float
    names: tuple[str, ...]

    @classmethod
    def read(cls, place: Mapping[str, Any]) -> _Found:
        parts = (place["name"], place.get("admin1"), place.get("country"))
        names = dict.fromkeys(str(part) for part in parts if part)
        return cls(_number(place["latitude"]), _number(place["longitude"]), tuple(names))

    def lies_in(self, region: str) -> bool:
        wanted = region.casefold()
        return any(name.casefold().startswith(wanted) for name in self.names[1:])


class WeatherService:
    """Finds places by name and tells their weather."""

    def __init__(self, *, geocoding: ConfiguredServer, forecast: ConfiguredServer) -> None:
        self._geocoding = geocoding
        self._forecast = forecast

    async def weather(self, place: str, *, days: int = 3) -> Weather:
        """Return the weather at ``place`` now and for up to seven days, today the first.

        Of several places of a name the service's first is taken; ``Paris, Texas`` chooses by region
        or country. Raises ``InvalidRequest``, ``NotFound`` for a place nobody knows and
        ``ProviderError``.
        """
        found = await self._place(" ".join(place.split()))
        answer = await self._forecast.get_json(
            params={
                "latitude": f"{found.latitude:.4f}",
                "longitude": f"{found.longitude:.4f}",
                "current": _CURRENT,
                "daily": _DAILY,
                "timezone": "auto",
                "forecast_days": str(max(1, min(days, MOST_DAYS))),
            }
        )
        try:
            return _weather(found, answer)
        except _MISSHAPEN as error:
            raise self._forecast.malformed() from error

    async def _place(self, written: str) -> _Found:
        name, _, region = (part.strip() for part in written.partition(","))
        if not name or len(written) > LONGEST_PLACE:
            raise InvalidRequest("weather_place", "Name a town, such as Lisbon or Paris, Texas.")
        answer = await self._geocoding.get_json(
            params={"name": name, "count": "10" if region else "1", "format": "json"}
        )
        try:
            places = [_Found.read(place) for place in answer.get("results") or ()]
        except _MISSHAPEN as error:
            raise self._geocoding.malformed() from error
        chosen = [place for place in places if not region or place.lies_in(region)]
        if not chosen:
            raise NotFound(
                "weather_unknown",
                "No place of that name is known; check how it is written, or name the next town.",
            )
        return chosen[0]


def _weather(place: _Found, answer: Mapping[str, Any]) -> Weather:
    now, daily = answer["current"], answer["daily"]
    return Weather(
        place=", ".join(place.names)[:LONGEST_PLACE],
        local_time=str(now["time"]).rpartition("T")[2][:5],
        sky=_sky(now["weather_code"]),
        temperature=_number(now["temperature_2m"]),
        feels_like=_number(now["apparent_temperature"]),
        humidity=round(_number(now["relative_humidity_2m"])),
        wind=_number(now["wind_speed_10m"]),
        days=tuple(_day(daily, number) for number in range(min(len(daily["time"]), MOST_DAYS))),
    )


def _day(daily: Mapping[str, Any], number: int) -> Day:
    rain = daily["precipitation_probability_max"][number]
    return Day(
        date=date.fromisoformat(daily["time"][number]),
        sky=_sky(daily["weather_code"][number]),
        high=_number(daily["temperature_2m_max"][number]),
        low=_number(daily["temperature_2m_min"][number]),
        rain=None if rain is None else round(_number(rain)),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number is missing")  # noqa: TRY003
    return float(value)


def _sky(code: object) -> str:
    return _SKIES.get(round(_number(code)), "unusual weather")


def _degrees(value: float) -> str:
    return f"{value + 0.0:.0f} °C".replace("-0 ", "0 ")


def _day_line(day: Day) -> str:
    chance = "" if day.rain is None else f", rain {day.rain} %"
    return f"{day.date:%a %d %b}: {day.sky}, {_degrees(day.low)} to {_degrees(day.high)}{chance}"
