"""Looking things up: searching, reading, and answering from what was read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from services.domain.clock import Clock
from services.domain.errors import InvalidRequest, ProviderError, ProviderFault, Refused
from services.llm.model import ChatRequest, ContentDelta, PromptMessage, PromptRole, Sampling
from services.llm.thinking import ModelSource, Prompts
from services.search.citing import held_to_sources
from services.search.passages import best_passages
from services.search.reader import PageReader
from services.search.values import (
    FoundAnswer,
    Page,
    SafeSearch,
    SearchResult,
    Source,
    WebSearch,
)
from services.settings import SearchSettings

logger = logging.getLogger(__name__)

LONGEST_QUESTION = 400

_MAX_TOKENS = 500
_TEMPERATURE = 0.2
_EVIDENCE = 6000
_EVIDENCE_OF_ONE = 2600


@dataclass(frozen=True, slots=True)
class _Quoted:
    number: int
    title: str
    lines: list[str]


class SearchService:
    """Searches the web, reads pages, and has a model answer from them with citations.

    Answers are given as ``screen`` returns them, where there is one.
    """

    def __init__(
        self,
        settings: SearchSettings,
        *,
        engine: WebSearch,
        reader: PageReader,
        models: ModelSource,
        prompts: Prompts,
        clock: Clock,
        screen: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._reader = reader
        self._models = models
        self._prompts = prompts
        self._clock = clock
        self._screen = screen

    async def search(self, query: str, *, count: int | None = None) -> Sequence[SearchResult]:
        """Return up to ``count`` results (by default the setting's), best first; may be empty.

        Raises ``InvalidRequest`` for an empty or overlong query, ``Refused`` when searching is off
        and ``ProviderError`` when no engine works.
        """
        return await self._engine.search(
            _asked(query),
            count=count or self._settings.results,
            safe=SafeSearch(self._settings.safe_search),
        )

    async def read(self, url: str, *, about: str = "", most: int) -> Page:
        """Return the page at ``url``, its text cut to ``most`` characters.

        With ``about``, those passages are kept that bear on it. Raises ``Refused``.
        """
        page = await self._reader.read(url)
        if about.strip() and len(page.text) > most:
            [chosen] = best_passages(about, [page.text], characters=most, share=most)
            if chosen:
                return Page(url=page.url, title=page.title, text="\n[…]\n".join(chosen))
        text = page.text if len(page.text) <= most else f"{page.text[: most - 1]}…"
        return Page(url=page.url, title=page.title, text=text)

    async def ask(self, question: str, *, tenant: str = "") -> FoundAnswer:
        """Answer ``question`` from the best pages found, on behalf of the place ``tenant``.

        One search, the pages at the same time, and one generation without tools. Pages that cannot
        be read within ``search.read_seconds`` count by what the engine says of them. Every citation
        is that of a source that was read. Finding nothing is an answer without sources. Raises
        ``InvalidRequest``, ``Refused`` and ``ProviderError``.
        """
        question = _asked(question)
        found = await self.search(question)
        if not found:
            return FoundAnswer(text="Nothing was found on the web about that.")
        texts = await self._texts(found[: self._settings.pages])
        texts += [result.snippet for result in found[len(texts) :]]
        evidence = best_passages(question, texts, characters=_EVIDENCE, share=_EVIDENCE_OF_ONE)
        used = [(result, passages) for result, passages in zip(found, evidence, strict=True)]
        used = [(result, passages) for result, passages in used if passages]
        if not used:
            return FoundAnswer(text="What was found on the web about that cannot be read.")
        sources = [
            Source(number=number, title=result.title, url=result.url)
            for number, (result, _) in enumerate(used, 1)
        ]
        quoted = [
            _Quoted(number, result.title.replace("<|", "<\\|"), _lines(passages))
            for number, (result, passages) in enumerate(used, 1)
        ]
        answer = await self._answer(question, quoted, tenant)
        if self._screen is not None:
            answer = await self._screen(answer)
        return held_to_sources(answer, sources)

    async def _texts(self, results: Sequence[SearchResult]) -> list[str]:
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(self._text(result)) for result in results]
        return [task.result() for task in reading]

    async def _text(self, result: SearchResult) -> str:
        try:
            async with asyncio.timeout(self._settings.read_seconds):
                page = await self._reader.read(result.url)
        except (Refused, TimeoutError) as error:
            code = error.code if isinstance(error, Refused) else "page_slow"
            logger.info("a page was not read", extra={"code": code})
            return result.snippet
        return page.text

    async def _answer(self, question: str, quoted: Sequence[_Quoted], tenant: str) -> str:
        wording = self._prompts.render(
            "search/answer",
            sources=quoted,
            question=question.splitlines(),
            today=f"{self._clock.now():%A, %d %B %Y}",
        )
        request = ChatRequest(
            messages=[PromptMessage(role=PromptRole.USER, content=wording, source="search")],
            sampling=Sampling(max_tokens=_MAX_TOKENS, temperature=_TEMPERATURE),
            think=False,
            tenant=tenant,
        )
        model = await self._models.get()
        said: list[str] = []
        async with aclosing(model.stream(request)) as events:
            async for event in events:
                if isinstance(event, ContentDelta):
                    said.append(event.text)
        text = "".join(said).strip()
        if not text:
            raise ProviderError(
                model.info.provider,
                ProviderFault.EMPTY,
                "The model said nothing; try again, or choose another model.",
            )
        return text


def _asked(text: str) -> str:
    wanted = "".join(each if each.isprintable() else " " for each in text).strip()
    if not wanted:
        raise InvalidRequest("search_empty", "Say what to look for.")
    if len(wanted) > LONGEST_QUESTION:
        raise InvalidRequest(
            "search_long", f"That is too long to look for; use at most {LONGEST_QUESTION} letters."
        )
    return wanted


def _lines(passages: Sequence[str]) -> list[str]:
    # Control tokens of models must not be read as such.
    plain = [passage.replace("<|", "<\\|") for passage in passages]
    return [line for passage in plain for line in (*passage.splitlines(), "")][:-1]
