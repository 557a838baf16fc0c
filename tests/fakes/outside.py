"""An outside world on loopback: a search engine, weather and exchange rates, as settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from services.settings import LookupsSettings, SearchSettings
from tests.fakes.open_data import OpenData, open_data
from tests.fakes.web_sites import INNER, site

TITLE = "Iron &lt;@1> [tower](https://evil.example) [two](http://evil.example)"


@dataclass
class Outside:
    """The settings that lead there, and what the search engine finds."""

    data: OpenData
    search: SearchSettings
    lookups: LookupsSettings
    found: list[dict[str, Any]] = field(default_factory=list)


@asynccontextmanager
async def outside() -> AsyncGenerator[Outside, None]:
    """Serve it; pages found there are on no public address, so that none is opened."""
    world: Outside

    async def searched(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"results": world.found})

    async with open_data() as data, site({"/search": searched}, host=INNER) as engine:
        world = Outside(
            data=data,
            search=SearchSettings.model_validate(
                {"engines": ["searxng"], "base_url": engine.url, "read_seconds": 20}
            ),
            lookups=LookupsSettings(
                geocoding_url=f"{data.url}/search",
                weather_url=f"{data.url}/forecast",
                rates_url=f"{data.url}/rates.xml",
            ),
            found=[
                {"title": TITLE, "url": "http://127.0.0.1/tower", "content": "It is 330 m tall."},
                {"title": "Other", "url": "http://10.0.0.1/other", "content": "The tower is tall."},
            ],
        )
        yield world
