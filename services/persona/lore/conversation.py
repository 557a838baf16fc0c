"""A conversation given as JSON: books, settings and turns that may change them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.domain.errors import InvalidRequest
from services.persona.cards.leniency import as_mapping
from services.persona.lore import fields
from services.persona.lore.books import MOST_ENTRIES, edited, read_book
from services.persona.lore.budget import chars4
from services.persona.lore.effects import NO_EFFECTS
from services.persona.lore.entry import Lorebook, Scope, Source
from services.persona.lore.request import ChatLine, CountTokens, ExpandMacros, ScanRequest
from services.persona.lore.result import ScanResult
from services.persona.lore.scanner import LoreScanner
from services.persona.lore.wire import (
    SETTINGS,
    read_chat,
    read_settings,
    result_as_json,
    source_texts,
)

_USER = "User"
_CHANGES = ("set", "fields", "changes")
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
    ) -> None:
        """Take books and settings; ``count_tokens`` is asked for if chars4 is not set."""
        self.books = list(books)
        self._settings = dict(settings)
        self._scanner = scanner
        self._rng = rng
        self._now = now
        self._count_tokens = count_tokens
        self._timed = NO_EFFECTS
        self._variables: dict[str, str | int | float] = {}

    def turn(self, chat: Sequence[ChatLine], patch: object = None) -> ScanResult:
        """Scan a chat, after changing what ``patch`` changes; changes stay for later turns.

        Raises ``InvalidRequest`` when the patch or the settings cannot be understood.
        """
        if patch is not None:
            self._patch(patch)
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

    def _patch(self, patch: object) -> None:
        if isinstance(patch, (list, tuple)):
            for one in patch:
                self._patch(one)
        elif not isinstance(patch, Mapping):
            raise InvalidRequest("lore_patch", "A patch has to be an object.")
        elif "uid" in patch:
            self._patch_listed(patch)
        else:
            for name, value in patch.items():
                self._patch_named(str(name), value)

    def _patch_named(self, name: str, value: object) -> None:
        if name == "settings":
            self._settings.update(_object(value, "settings"))
        elif name == "books":
            self._patch_books(value)
        elif name == "entries":
            self._patch_entries(value)
        elif name in SETTINGS or name == "sources":
            self._settings[name] = value
        elif isinstance(value, Mapping) and (
            self._book_named(name) is not None or self._books_with(name)
        ):
            self._patch_entries({name: value})

    def _patch_books(self, value: object) -> None:
        if isinstance(value, Mapping):
            value = [{**as_mapping(book), "name": name} for name, book in value.items()]
        for book in _as_list(value):
            raw = _object(book, "book")
            name = fields.text(raw.get("name"))
            if self._book_named(name) is None:
                self.books.append(scoped_book(raw))
            else:
                entries = as_mapping(raw.get("entries")) if "entries" in raw else raw
                inner = {
                    uid: entry for uid, entry in entries.items() if uid not in {"name", "scope"}
                }
                self._edit_all(name, inner)

    def _patch_entries(self, value: object) -> None:
        if isinstance(value, (list, tuple)):
            for one in value:
                self._patch_listed(_object(one, "entry"))
            return
        for name, changes in _object(value, "entries").items():
            if self._book_named(name) is not None:
                inner = as_mapping(changes)
                self._edit_all(name, as_mapping(inner.get("entries", inner)))
                continue
            owners = self._books_with(name)
            if not owners:
                raise InvalidRequest(
                    "lore_patch", f"The patch names {name[:40]!r}, which is no book and no entry."
                )
            for book in owners:
                self._edit_all(book.name, {name: changes})

    def _patch_listed(self, one: Mapping[str, object]) -> None:
        uid, book = str(one["uid"]), one.get("book", one.get("world"))
        changes: object = {
            name: value for name, value in one.items() if name not in {"uid", "book", "world"}
        }
        for wrapper in _CHANGES:
            changes = as_mapping(changes).get(wrapper, changes)
        names = [fields.text(book)] if book is not None else [b.name for b in self._books_with(uid)]
        for name in names:
            self._edit_all(name, {uid: changes})

    def _edit_all(self, name: str, changes: Mapping[str, object]) -> None:
        at = self._book_named(name)
        if at is None:
            raise InvalidRequest(
                "lore_patch", f"The patch names a book {name[:40]!r}, unknown here."
            )
        for uid, its in changes.items():
            known = None if its is None else _object(its, "entry")
            self.books[at] = edited(self.books[at], uid, known)

    def _book_named(self, name: str) -> int | None:
        return next((at for at, book in enumerate(self.books) if book.name == name), None)

    def _books_with(self, uid: str) -> list[Lorebook]:
        return [book for book in self.books if any(str(e.uid) == uid for e in book.entries)]


def scoped_book(raw: Mapping[str, object], *, most_entries: int = MOST_ENTRIES) -> Lorebook:
    """Return a book from ``{"name", "scope", "entries"}``; raises ``InvalidRequest``."""
    named = fields.text(raw.get("scope")) or Scope.GLOBAL
    try:
        scope = Scope(named)
    except ValueError as error:
        scopes = ", ".join(Scope)
        raise InvalidRequest(
            "lore_scope", f"The scope {named[:40]!r} of a book is none of {scopes}."
        ) from error
    name = fields.text(raw.get("name")) or "book"
    book = read_book(raw, name=name, scope=scope, most_entries=most_entries)
    return replace(book, name=name)


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
            given = _object(json.loads(line), "request")
            name = given.get("id")
            conversation = LoreConversation(
                [
                    scoped_book(_object(book, "book"), most_entries=most_entries)
                    for book in _as_list(given.get("books"))
                ],
                as_mapping(given.get("settings")),
                scanner=scanner,
                rng=rng(),
                now=now,
                count_tokens=count_tokens,
            )
            turns = [
                result_as_json(conversation.turn(read_chat(turn.get("chat")), turn.get("patch")))
                for turn in (_object(turn, "turn") for turn in _as_list(given.get("turns")))
            ]
        except InvalidRequest as refused:
            yield {"id": name, "error": refused.user_message}
        except (ValueError, RecursionError):
            yield {"id": name, "error": "The line is not valid JSON."}
        else:
            yield {"id": name, "turns": turns}


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidRequest("lore_request", f"The {what} has to be an object.")
    return value


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
