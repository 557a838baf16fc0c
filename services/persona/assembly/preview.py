"""The whole way from card, books and chat to a prompt, with no conversation running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.persona.assembly.cache_layout import EXAMPLES_SHARE, Shares
from services.persona.assembly.filling import fill_card
from services.persona.assembly.gathering import OVERRIDES, AssemblyRequest, gather
from services.persona.assembly.layouts import Layout, arrange
from services.persona.assembly.lore import lore_texts, sources_of
from services.persona.assembly.material import (
    AuthorsNote,
    ChatMessage,
    Kind,
    LayoutTexts,
    LoreTexts,
    UserDescription,
)
from services.persona.assembly.measuring import Arranged, Count
from services.persona.assembly.scripting import scripted_chat, scripted_lore, with_scripted
from services.persona.character import Character
from services.persona.lore.entry import Lorebook
from services.persona.lore.request import ChatLine, ScanRequest, ScanSettings
from services.persona.lore.result import ScanResult
from services.persona.lore.scanner import LoreScanner
from services.persona.macros.engine import expand
from services.persona.macros.environment import MacroEnvironment
from services.persona.regex_scripts import (
    Applied,
    RegexScript,
    ScriptedText,
    ScriptSkip,
    Stage,
    apply_to_each,
)

CONTEXT = 8192
RESPONSE = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRequest:
    """Everything one prompt depends on; counts are in tokens.

    ``scan`` with a budget of ``None`` has none. ``names`` and ``tags`` are what character filters
    of lore entries go by, ``vectorized`` entries activated by meaning, as (book, uid). Of a
    ``swipe`` or a ``regenerate`` the newest message, if it is the character's, is left out.
    """

    character: Character
    chat: Sequence[ChatMessage]
    environment: MacroEnvironment
    texts: LayoutTexts
    count: Count
    context: int = CONTEXT
    response: int = RESPONSE
    layout: Layout = "sillytavern"
    books: Sequence[Lorebook] = ()
    scan: ScanSettings = field(default_factory=ScanSettings)
    scripts: Sequence[RegexScript] = ()
    user_description: UserDescription | None = None
    note: AuthorsNote | None = None
    kind: Kind = "normal"
    group: Sequence[str] = ()
    quiet: str = ""
    card_overrides: frozenset[str] = OVERRIDES
    pin_examples: bool = False
    fill_chat: bool = True
    examples_share: float = EXAMPLES_SHARE
    names: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    injected: Sequence[str] = ()
    vectorized: frozenset[tuple[str, str]] = frozenset()
    greeting: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A prompt in order, the lore in it, and the scripts of the card that could not be run."""

    arranged: Arranged
    budget: int
    lore: ScanResult | None = None
    skipped: Sequence[ScriptSkip] = field(default_factory=tuple)


def preview(request: PreviewRequest, *, scanner: LoreScanner) -> Preview:
    """Return the prompt of ``request``; blocking, for regexes up to 50 ms each.

    Scripts change the chat first, then lore is searched, then all is put in order. Macros change
    the variables of ``request.environment``.
    """
    return _Preview(request, scanner).shown()


class _Preview:
    def __init__(self, request: PreviewRequest, scanner: LoreScanner) -> None:
        self._request = request
        self._scanner = scanner
        self._skipped: dict[ScriptSkip, None] = {}
        card = fill_card(request.character, request.environment, user=request.user_description)
        self._character, self._user = card.character, card.user
        self._environment = card.environment

    def shown(self) -> Preview:
        request = self._request
        chat = self._scripted_chat(before_answer(request.chat, request.kind))
        result = self._scan(chat) if request.books else None
        lore = LoreTexts()
        if result is not None:
            texts = result.texts()
            self._environment.outlets = texts.outlets
            lore = lore_texts(texts)
        material = gather(
            AssemblyRequest(
                character=self._character,
                environment=self._environment,
                texts=request.texts,
                chat=chat,
                lore=lore,
                user_description=self._user,
                note=request.note,
                kind=request.kind,
                group=request.group,
                quiet=request.quiet,
                card_overrides=request.card_overrides,
                disabled=result.disabled_prompts if result else frozenset(),
                fill_chat=request.fill_chat,
                filled=True,
            )
        )
        budget = max(0, request.context - request.response)
        arranged = arrange(
            material,
            request.layout,
            budget=budget,
            count=request.count,
            pin_examples=request.pin_examples,
            shares=Shares.of(request.context, examples=request.examples_share),
        )
        return Preview(arranged=arranged, budget=budget, lore=result, skipped=tuple(self._skipped))

    def _expand(self, text: str) -> str:
        return expand(text, self._environment)

    def _scripted_chat(self, chat: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        if not self._request.scripts:
            return chat
        texts = scripted_chat(
            [message.content for message in chat],
            [message.role == "user" for message in chat],
            continued=self._request.kind == "continue",
        )
        changed = self._scripted(texts)
        return [
            replace(message, content=each.text) for message, each in zip(chat, changed, strict=True)
        ]

    def _scripted(self, texts: Sequence[ScriptedText]) -> list[Applied]:
        applied = apply_to_each(
            texts, self._request.scripts, stage=Stage.PROMPT, macros=self._expand
        )
        self._skipped.update((skip, None) for each in applied for skip in each.skipped)
        return applied

    def _scan(self, chat: Sequence[ChatMessage]) -> ScanResult:
        request, card = self._request, self._character
        result = self._scanner.scan(
            ScanRequest(
                books=tuple(request.books),
                chat=[
                    ChatLine(name=each.name, content=each.content, role=each.role) for each in chat
                ],
                count_tokens=request.count,
                rng=self._environment.rng,
                settings=request.scan,
                expand=self._expand,
                injected=request.injected,
                sources=sources_of(card, user=self._user.text if self._user else ""),
                character_names=request.names,
                character_tags=request.tags,
                trigger=request.kind,
                vectorized=request.vectorized,
                greeting=request.greeting,
            )
        )
        return with_scripted(result, self._scripted(scripted_lore(result, request.scripts)))


def before_answer(chat: Sequence[ChatMessage], kind: Kind) -> Sequence[ChatMessage]:
    """Return ``chat`` without the answer that another one is asked for instead of."""
    newest = next((n for n in reversed(range(len(chat))) if not chat[n].hidden), None)
    if kind not in {"swipe", "regenerate"} or newest is None or chat[newest].role != "assistant":
        return chat
    return [*chat[:newest], *chat[newest + 1 :]]
