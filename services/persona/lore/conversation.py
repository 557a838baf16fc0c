"""A conversation given as JSON: books, settings and turns that may change them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from services.domain.errors import InvalidRequest
from services.persona.lore import fields
from services.persona.lore.books import MOST_ENTRIES
from services.persona.lore.budget import chars4
from services.persona.lore.effects import NO_EFFECTS
from services.persona.lore.entry import Lorebook, Source
from services.persona.lore.patching import as_object, patched, scoped_book
from services.persona.lore.request import ChatLine, CountTokens, ExpandMacros, ScanRequest
from services.persona.lore.result import ScanResult
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.wire import (
    read_chat,
    read_settings,
    result_as_json,
    source_texts,
)

_USER = "User"
_MACRO_NAMES: Mapping[Source, str] = {
    Source.PERSONA_DESCRIPTION: "persona",
    Source.CHARACTER_DESCRIPTION: "description",
    Source.PERSONALITY: "personality",
    Source.SCENARIO: "scenario",
}


class LoreConversation:
    """Scans the turns of one conversation, each with what earlier ones left behind."""

    def __init__(
        self,
        books: Sequence[Lorebook],
        settings: Mapping[str, object],
        *,
        scanner: LoreScanner,
        rng: random.Random,
        now: datetime,
        count_tokens: Callable[[], CountTokens],
        most_entries: int = MOST_ENTRIES,
    ) -> None:
        """Take books and settings; ``count_tokens`` is asked for if chars4 is not set."""
        self.books = list(books)
        self._settings = dict(settings)
        self._scanner = scanner
        self._rng = rng
        self._now = now
        self._count_tokens = count_tokens
        self._most_entries = most_entries
        self._timed = NO_EFFECTS
        self._variables: dict[str, str | int | float] = {}

    def turn(self, chat: Sequence[ChatLine], patch: object = None) -> ScanResult:
        """Scan a chat, after changing what ``patch`` changes; changes stay for later turns.

        Raises ``InvalidRequest`` when the patch or the settings cannot be understood.
        """
        if patch is not None:
            self.books, self._settings = patched(
                self.books, self._settings, patch, most_entries=self._most_entries
            )
        result = self._scanner.scan(self._request(chat))
        self._timed = result.timed
        return result

    def _request(self, chat: Sequence[ChatLine]) -> ScanRequest:
        given = self._settings
        char = fields.text(given.get("char"))
        counts_characters = given.get("tokens") == "chars4"
        greeting = fields.optional_whole(given.get("greeting"))
        icon = given.get("user_icon")
        return ScanRequest(
            books=tuple(self.books),
            chat=chat,
            count_tokens=chars4 if counts_characters else self._count_tokens(),
            rng=self._rng,
            settings=read_settings(given),
            expand=self._expansion(chat, char),
            injected=fields.words(_as_list(given.get("injected"))),
            sources=source_texts(given),
            character_names=frozenset((char, *fields.words(given.get("names")))) - {""},
            character_tags=frozenset(fields.words(given.get("tags"))),
            trigger=fields.text(given.get("trigger")) or "normal",
            vectorized=frozenset(_pairs(given.get("vectorized"))),
            timed=self._timed,
            greeting=greeting,
            user_icon=None if icon is None else fields.text(icon),
        )

    def _expansion(self, chat: Sequence[ChatLine], char: str) -> ExpandMacros:
        from services.persona.macros.engine import expand  # noqa: PLC0415  only if it is needed
        from services.persona.macros.environment import (  # noqa: PLC0415
            ChatLine as MacroLine,
        )
        from services.persona.macros.environment import MacroEnvironment  # noqa: PLC0415

        texts = source_texts(self._settings)
        environment = MacroEnvironment(
            user=fields.text(self._settings.get("user")) or _USER,
            char=char or "Character",
            now=self._now,
            rng=self._rng,
            values={name: texts.get(source, "") for source, name in _MACRO_NAMES.items()},
            local=self._variables,
            chat=[
                MacroLine(name=line.name, text=line.content, is_user=line.role == "user")
                for line in chat
            ],
        )
        return lambda text: expand(text, environment)


def scan_lines(
    lines: Iterator[str],
    *,
    scanner: LoreScanner,
    rng: Callable[[], random.Random],
    now: datetime,
    count_tokens: Callable[[], CountTokens],
    most_entries: int = MOST_ENTRIES,
) -> Iterator[dict[str, object]]:
    """Answer one request a line, in order; a line that cannot be answered says why instead."""
    for line in lines:
        if not line.strip():
            continue
        name: object = None
        try:
            given = as_object(_parsed(line), "request")
            name = given.get("id")
            conversation = LoreConversation(
                [
                    scoped_book(as_object(book, "book"), most_entries=most_entries)
                    for book in _as_list(given.get("books"))
                ],
                _settings_in(given),
                scanner=scanner,
                rng=rng(),
                now=now,
                count_tokens=count_tokens,
                most_entries=most_entries,
            )
            turns = [
                result_as_json(conversation.turn(read_chat(turn.get("chat")), turn.get("patch")))
                for turn in (as_object(turn, "turn") for turn in _as_list(given.get("turns")))
            ]
        except InvalidRequest as refused:
            yield {"id": name, "error": refused.user_message}
        else:
            yield {"id": name, "turns": turns}


def _parsed(line: str) -> object:
    try:
        return json.loads(line, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("lore_json", "The line is not valid JSON.") from error


def _finite(text: str) -> float | None:
    """Return a number as JavaScript would write it again: null for what is too large for one."""
    number = float(text)
    return number if math.isfinite(number) else None


def _settings_in(given: Mapping[str, object]) -> Mapping[str, object]:
    settings = given.get("settings")
    return {} if settings is None else as_object(settings, "settings")


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return [value]
    raise InvalidRequest("lore_request", "Books, turns and injected texts have to be lists.")


def _pairs(value: object) -> Iterator[tuple[str, str]]:
    for pair in _as_list(value):
        if isinstance(pair, (list, tuple)) and len(pair) == 2:
            yield str(pair[0]), str(pair[1])
