"""The weather at a place, from a service that speaks Open-Meteo's API (open-meteo.com/en/docs)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ValidationError

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


class _Found(BaseModel):
    name: str
    latitude: float
    longitude: float
    country: str = ""
    admin1: str = ""


class _Places(BaseModel):
    results: list[_Found] = []


class _Now(BaseModel):
    time: str
    temperature_2m: float
    apparent_temperature: float
    relative_humidity_2m: int
    wind_speed_10m: float
    weather_code: int


class _Daily(BaseModel):
    time: list[date]
    weather_code: list[int]
    temperature_2m_max: list[float]
    temperature_2m_min: list[float]
    precipitation_probability_max: list[int | None] = []


class _Forecast(BaseModel):
    current: _Now
    daily: _Daily


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
            forecast = _Forecast.model_validate(answer)
            return _weather(found, forecast)
        except (ValidationError, ValueError, OverflowError) as error:
            raise self._forecast.malformed() from error

    async def _place(self, written: str) -> _Found:
        name, _, region = (part.strip() for part in written.partition(","))
        if not name or len(written) > LONGEST_PLACE:
            raise InvalidRequest("weather_place", "Name a town, such as Lisbon or Paris, Texas.")
        answer = await self._geocoding.get_json(
            params={"name": name, "count": "10" if region else "1", "format": "json"}
        )
        try:
            places = _Places.model_validate(answer).results
        except ValidationError as error:
            raise self._geocoding.malformed() from error
        chosen = [place for place in places if not region or _lies_in(place, region)]
        if not chosen:
            raise NotFound("weather_unknown", "No place of that name is known; check how it is "
                           "written, or name the next town.")  # fmt: skip
        return chosen[0]


def _lies_in(place: _Found, region: str) -> bool:
    wanted = region.casefold()
    return any(part.casefold().startswith(wanted) for part in (place.admin1, place.country) if part)


def _weather(place: _Found, forecast: _Forecast) -> Weather:
    now, daily = forecast.current, forecast.daily
    numbers = (now.temperature_2m, now.apparent_temperature, now.wind_speed_10m)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a value is not a number")  # noqa: TRY003
    names = dict.fromkeys(part for part in (place.name, place.admin1, place.country) if part)
    return Weather(
        place=", ".join(names)[:LONGEST_PLACE],
        local_time=now.time.rpartition("T")[2][:5],
        sky=_sky(now.weather_code),
        temperature=now.temperature_2m,
        feels_like=now.apparent_temperature,
        humidity=now.relative_humidity_2m,
        wind=now.wind_speed_10m,
        days=tuple(_days(daily)),
    )


def _days(daily: _Daily) -> Sequence[Day]:
    rain = [*daily.precipitation_probability_max, *[None] * len(daily.time)]
    columns = zip(
        daily.time, daily.weather_code, daily.temperature_2m_max, daily.temperature_2m_min,
        rain, strict=False,
    )  # fmt: skip
    return [
        Day(date=on, sky=_sky(code), high=high, low=low, rain=chance)
        for on, code, high, low, chance in columns
    ][:MOST_DAYS]


def _sky(code: int, skies: Mapping[int, str] = _SKIES) -> str:
    return skies.get(code, "unusual weather")


def _degrees(value: float) -> str:
    return f"{value + 0.0:.0f} °C".replace("-0 ", "0 ")


def _day_line(day: Day) -> str:
    chance = "" if day.rain is None else f", rain {day.rain} %"
    return f"{day.date:%a %d %b}: {day.sky}, {_degrees(day.low)} to {_degrees(day.high)}{chance}"
