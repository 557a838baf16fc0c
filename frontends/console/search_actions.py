"""Commands for looking things up: the web, the weather, currencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from frontends.console.wording import one_line, printable
from services.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from frontends.console.talk import Talk

_SNIPPET = 200
_BETWEEN = frozenset({"in", "to", "into", "nach"})


async def _ask(talk: Talk, question: str) -> None:
    here = talk.conversation
    found = await talk.search.ask(question, tenant=f"{here.platform}:{here.scope}")
    lines = [printable(line) for line in found.text.splitlines()]
    if found.sources and not found.cites:
        lines.append("The answer names no source of its own; these pages were read:")
    lines += [
        printable(f"[{source.number}] {source.title} {source.url}") for source in found.sources
    ]
    sources = [
        {"number": source.number, "title": source.title, "url": source.url}
        for source in found.sources
    ]
    fields = {"answer": found.text, "sources": sources, "cites": found.cites}
    talk.view.report(Report(kind="answer", lines=lines, fields=fields))


async def _search(talk: Talk, query: str) -> None:
    found = await talk.search.search(query)
    lines: list[str] = []
    for number, result in enumerate(found, 1):
        lines += [
            f"{number}. {printable(result.title)}",
            f"   {one_line(result.snippet, longest=_SNIPPET)}",
            f"   {printable(result.url)}",
        ]
    results = [
        {"title": result.title, "url": result.url, "snippet": result.snippet} for result in found
    ]
    talk.view.report(
        Report(kind="search", lines=lines or ["Nothing was found."], fields={"results": results})
    )


async def _weather(talk: Talk, place: str) -> None:
    found = await talk.weather.weather(place)
    lines = [printable(line) for line in found.lines()]
    fields = {"place": found.place, "sky": found.sky, "temperature": found.temperature}
    talk.view.report(Report(kind="weather", lines=lines, fields=fields))


async def _currency(talk: Talk, argument: str) -> None:
    words = [word for word in argument.split() if word.lower() not in _BETWEEN]
    if len(words) != 3:
        raise InvalidRequest("currency_usage", "Write /currency and for example 12.50 USD EUR.")
    done = await talk.currency.convert(*words)
    fields = {
        "amount": f"{done.amount:f}",
        "from": done.source,
        "result": f"{done.result:f}",
        "to": done.target,
        "day": done.day.isoformat(),
    }
    talk.view.report(Report(kind="currency", lines=[done.line()], fields=fields))


SEARCH_COMMANDS = (
    SlashCommand(
        name="ask",
        argument="QUESTION",
        summary="Have a question answered from the web, with its sources.",
        perform=_ask,
    ),
    SlashCommand(name="search", argument="QUERY", summary="Search the web.", perform=_search),
    SlashCommand(
        name="weather",
        argument="PLACE",
        summary="Show the weather of a place, now and in the next days.",
        perform=_weather,
    ),
    SlashCommand(
        name="currency",
        argument="AMOUNT FROM TO",
        summary="Convert money by the European Central Bank's rates.",
        perform=_currency,
    ),
)
