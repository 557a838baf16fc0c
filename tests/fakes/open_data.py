"""A server that answers like Open-Meteo and the European Central Bank."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.web_sites import INNER, Site, site

PLACES: list[dict[str, Any]] = [
    {"id": 1, "name": "Paris", "latitude": 48.85341, "longitude": 2.3488, "elevation": 42.0,
     "country_code": "FR", "timezone": "Europe/Paris", "country": "France",
     "admin1": "Île-de-France"},
    {"id": 2, "name": "Paris", "latitude": 33.66094, "longitude": -95.55551,
     "country_code": "US", "timezone": "America/Chicago", "country": "United States",
     "admin1": "Texas"},
]  # fmt: skip

FORECAST: dict[str, Any] = {
    "latitude": 48.86,
    "longitude": 2.36,
    "utc_offset_seconds": 3600,
    "timezone": "Europe/Paris",
    "current_units": {"temperature_2m": "°C"},
    "current": {
        "time": "2026-11-22T14:15",
        "interval": 900,
        "temperature_2m": 11.8,
        "apparent_temperature": 9.6,
        "relative_humidity_2m": 81,
        "wind_speed_10m": 18.4,
        "weather_code": 61,
    },
    "daily": {
        "time": ["2026-11-22", "2026-11-23"],
        "weather_code": [63, 3],
        "temperature_2m_max": [12.9, 10.6],
        "temperature_2m_min": [7.8, -0.3],
        "precipitation_probability_max": [90, None],
    },
}

RATES = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
<Cube><Cube time='2026-11-20'>
<Cube currency='USD' rate='1.25'/><Cube currency='JPY' rate='160.0'/>
<Cube currency='GBP' rate='0.85'/><Cube currency='CHF' rate='0.93'/>
</Cube></Cube></gesmes:Envelope>"""


@dataclass
class OpenData:
    """The running server; ``answers`` by path can be changed, ``status`` breaks all."""

    here: Site
    answers: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    @property
    def url(self) -> str:
        return self.here.url

    @property
    def asked(self) -> list[str]:
        return self.here.asked


@asynccontextmanager
async def open_data() -> AsyncGenerator[OpenData, None]:
    """Serve places, forecasts and rates on loopback."""
    served: OpenData

    async def answer(request: web.Request) -> web.StreamResponse:
        if served.status != 200:
            return web.Response(status=served.status)
        found = served.answers[request.path]
        if callable(found):
            response: web.StreamResponse = await found(request)
            return response
        if isinstance(found, str):
            return web.Response(text=found, content_type="text/xml")
        return web.json_response(found)

    async def places(request: web.Request) -> web.StreamResponse:
        count = int(request.query["count"])
        named = [one for one in PLACES if one["name"] == request.query["name"]]
        return web.json_response({"results": named[:count]} if named else {"generationtime_ms": 1})

    paths = dict.fromkeys(("/search", "/forecast", "/rates.xml"), answer)
    async with site(paths, host=INNER) as here:
        served = OpenData(here, {"/search": places, "/forecast": FORECAST, "/rates.xml": RATES})
        yield served
