"""Weather and exchange rates from local servers that answer like the real ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from services.domain.calls import ToolCall
from services.domain.errors import InvalidRequest, NotFound, ProviderError, Refused
from services.domain.ids import ConversationId, PersonaId, TurnId
from services.domain.people import Role
from services.lookups.currency import CurrencyService
from services.lookups.rates import RateTable, read_rates
from services.lookups.tools import lookup_tools
from services.lookups.weather import WeatherService
from services.net.configured import ConfiguredServer
from services.toolbox.spec import ToolContext
from services.toolbox.toolbox import Toolbox
from tests.fakes.clock import ManualClock
from tests.fakes.open_data import FORECAST, RATES, open_data

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


@pytest.fixture
async def served():
    async with open_data() as own:
        yield own


def weather_of(own):
    return WeatherService(
        geocoding=ConfiguredServer("The weather service", f"{own.url}/search"),
        forecast=ConfiguredServer("The weather service", f"{own.url}/forecast"),
    )


def currency_of(own, path, clock=None):
    server = ConfiguredServer("The bank", f"{own.url}/rates.xml")
    return CurrencyService(RateTable(server, path=path, clock=clock or ManualClock()))


async def test_weather_is_told_for_the_place_meant(served):
    service = weather_of(served)
    found = await service.weather(" Paris ", days=2)
    assert found.lines() == [
        "Paris, Île-de-France, France, 14:15 there: light rain, 12 °C (feels like 10 °C), "
        "wind 18 km/h, humidity 81 %.",
        "Sun 22 Nov: rain, 8 °C to 13 °C, rain 90 %",
        "Mon 23 Nov: overcast, 0 °C to 11 °C",
    ]
    assert (await service.weather("Paris, tex")).place == "Paris, Texas, United States"
    assert "forecast_days=2" in served.asked[1]
    assert "latitude=33.6609" in served.asked[3]


async def test_weather_of_nowhere_or_a_confused_service_is_refused(served):
    service = weather_of(served)
    for unknown in ("Nowhereville", "Paris, Mars"):
        with pytest.raises(NotFound):
            await service.weather(unknown)
    for bad in ("", " , ", "x" * 101):
        with pytest.raises(InvalidRequest):
            await service.weather(bad)
    good = dict(served.answers)
    misshapen: list[Any] = [
        [],
        {"results": "no"},
        {"results": [{"name": "X"}]},
    ]
    for broken in misshapen:
        served.answers["/search"] = broken
        with pytest.raises(ProviderError):
            await service.weather("Paris")
    served.answers["/search"] = good["/search"]
    for broken in (
        {},
        {**FORECAST, "current": {**FORECAST["current"], "temperature_2m": None}},
        {**FORECAST, "daily": {**FORECAST["daily"], "time": ["soon"]}},
    ):
        served.answers["/forecast"] = broken
        with pytest.raises(ProviderError):
            await service.weather("Paris")


async def test_amounts_are_converted_by_way_of_the_euro_with_the_date(served, tmp_path):
    service = currency_of(served, tmp_path / "rates.json")
    done = await service.convert("100", "usd", "€")
    assert done.line() == (
        "100.00 USD = 80.00 EUR (1 USD = 0.8 EUR, European Central Bank, 20 November 2026)"
    )
    done = await service.convert("12,5", "GBP", "yen")
    assert round(done.result, 9) == round(Decimal("12.5") * Decimal("160.0") / Decimal("0.85"), 9)
    assert "12.50 GBP = 2,353 JPY (1 GBP = 188.24 JPY" in done.line()
    assert "1.00 EUR = 1.00 EUR" in (await service.convert("1", "EUR", "euro")).line()
    assert "-3.00 USD = -2.40 EUR" in (await service.convert("-3", "USD", "EUR")).line()
    assert "0.001 JPY = 0.00000625 EUR" in (await service.convert("0.001", "JPY", "EUR")).line()
    assert served.asked == ["/rates.xml"]
    with pytest.raises(NotFound, match="GBP"):
        await service.convert("1", "XXX", "EUR")
    for bad in ("", "ten", "1e99", "nan", "inf", "1,2,3", "9" * 31, "1_000", "٣"):
        with pytest.raises(InvalidRequest):
            await service.convert(bad, "USD", "EUR")


async def test_without_a_connection_the_kept_table_is_used_with_its_date(served, tmp_path):
    path, clock = tmp_path / "lookups" / "rates.json", ManualClock()
    served.status = 500
    with pytest.raises(Refused) as caught:
        await currency_of(served, path, clock).convert("1", "USD", "EUR")
    assert caught.value.code == "rates_missing"
    served.status = 200
    await currency_of(served, path, clock).convert("1", "USD", "EUR")
    served.status = 500
    clock.advance(8 * 86_400)
    later = currency_of(served, path, clock)
    for _ in range(3):
        assert "20 November 2026" in (await later.convert("1", "USD", "EUR")).line()
    assert len(served.asked) == 3
    path.write_text("{damaged")
    with pytest.raises(Refused):
        await currency_of(served, path, clock).convert("1", "USD", "EUR")


async def test_new_rates_are_fetched_once_the_old_are_stale(served, tmp_path):
    clock = ManualClock()
    service = currency_of(served, tmp_path / "rates.json", clock)
    await service.convert("1", "USD", "EUR")
    served.answers["/rates.xml"] = RATES.replace("2026-11-20", "2026-11-23")
    assert "20 November" in (await service.convert("1", "USD", "EUR")).line()
    clock.advance(7 * 3600)
    assert "23 November" in (await service.convert("1", "USD", "EUR")).line()


@pytest.mark.parametrize(
    "document",
    [
        "",
        "no xml",
        "<a/>",
        RATES.replace("1.25", "0"),
        RATES.replace("1.25", "NaN"),
        RATES.replace("1.25", "1e999999"),
        RATES.replace("USD", "DOLLAR"),
        RATES.replace("2026-11-20", "yesterday"),
        RATES[:-40],
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + RATES.partition("?>")[2],
    ],
)
def test_other_documents_are_not_taken_for_rates(document):
    with pytest.raises(ValueError, match=r"\w"):
        read_rates(document.encode())


async def test_the_tools_answer_in_a_line_and_refuse_nonsense(served, tmp_path):
    kit = lookup_tools(weather_of(served), currency_of(served, tmp_path / "rates.json"))
    tools = Toolbox([kit])
    context = ToolContext(
        conversation=ConversationId("test", "local", "main"),
        persona=PersonaId("mira"),
        turn=TurnId("t"),
        asker=None,
        role=Role.GUEST,
    )

    async def run(name, **arguments):
        call = ToolCall(id="1", name=name, arguments=arguments)
        return await tools.run(call, context, limit=4000)

    assert "light rain" in (await run("weather", place="Paris")).content
    assert (
        "80.00 EUR"
        in (await run("convert_currency", amount=100, source="USD", target="EUR")).content
    )
    served.status = 500
    for bad in (
        await run("weather", place="Paris"),
        await run("weather", place="x" * 500),
        await run("weather", place="Paris", days=99),
        await run("convert_currency", amount="9**9**9", source="USD", target="EUR"),
        await run("convert_currency", amount="1", source="USD"),
    ):
        assert bad.is_error


async def test_a_redirecting_service_is_not_followed(served):
    async def away(_request):
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/"})

    served.answers["/search"] = away
    with pytest.raises(ProviderError):
        await weather_of(served).weather("Paris")


@pytest.mark.parametrize("amount", ["1e-999999", "1e-9999", "-1e-40"])
async def test_an_amount_too_small_to_write_down_is_refused(served, tmp_path, amount):
    with pytest.raises(InvalidRequest):
        await currency_of(served, tmp_path / "ecb.json").convert(amount, "EUR", "USD")
