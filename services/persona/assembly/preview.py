"""The whole way from card, books and chat to a prompt, with no conversation running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from services.llm.model import PromptRole
from services.persona.assembly.gathering import AssemblyRequest, filled, gather, with_card
from services.persona.assembly.layouts import Arranged, Count, Layout, arrange
from services.persona.assembly.material import (
    AuthorsNote,
    ChatMessage,
    DepthText,
    Kind,
    LayoutTexts,
    LoreTexts,
    UserDescription,
)
from services.persona.character import Character
from services.persona.lore.entry import Lorebook, Position, Source
from services.persona.lore.request import ChatLine, ScanRequest, ScanSettings
from services.persona.lore.result import Activation, DepthBlock, ScanResult
from services.persona.lore.result import LoreTexts as FoundTexts
from services.persona.lore.scanner import LoreScanner
from services.persona.macros.engine import expand
from services.persona.macros.environment import MacroEnvironment
from services.persona.regex_scripts import (
    Placement,
    RegexScript,
    ScriptedText,
    ScriptSkip,
    Stage,
    apply_to_each,
)

CONTEXT = 8192
RESPONSE = 512
_ROLES = (PromptRole.SYSTEM, PromptRole.USER, PromptRole.ASSISTANT)


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
    card_overrides: bool = True
    pin_examples: bool = False
    fill_chat: bool = True
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
        user = request.user_description
        environment = with_card(
            request.environment, request.character, persona=user.text if user else ""
        )
        self._character = filled(request.character, environment)
        self._user = replace(user, text=expand(user.text, environment)) if user else None
        self._environment = with_card(
            request.environment, self._character, persona=self._user.text if self._user else ""
        )

    def shown(self) -> Preview:
        request = self._request
        chat = self._scripted_chat(_answered(request.chat, request.kind))
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
            )
        )
        budget = max(0, request.context - request.response)
        arranged = arrange(
            material,
            request.layout,
            budget=budget,
            count=request.count,
            pin_examples=request.pin_examples,
        )
        return Preview(arranged=arranged, budget=budget, lore=result, skipped=tuple(self._skipped))

    def _expand(self, text: str) -> str:
        return expand(text, self._environment)

    def _scripted_chat(self, chat: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        if not self._request.scripts:
            return chat
        newest = len(chat) - (2 if self._request.kind == "continue" else 1)
        texts = [
            ScriptedText(
                text=message.content,
                placement=Placement.USER_INPUT if message.role == "user" else Placement.AI_OUTPUT,
                depth=newest - n,
            )
            for n, message in enumerate(chat)
        ]
        changed = self._scripted(texts)
        return [replace(message, content=text) for message, text in zip(chat, changed, strict=True)]

    def _scripted(self, texts: Sequence[ScriptedText]) -> list[str]:
        applied = apply_to_each(
            texts, self._request.scripts, stage=Stage.PROMPT, macros=self._expand
        )
        self._skipped.update((skip, None) for each in applied for skip in each.skipped)
        return [each.text for each in applied]

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
                sources={
                    Source.PERSONA_DESCRIPTION: self._user.text if self._user else "",
                    Source.CHARACTER_DESCRIPTION: card.description,
                    Source.PERSONALITY: card.personality,
                    Source.DEPTH_PROMPT: card.depth_prompt.prompt if card.depth_prompt else "",
                    Source.SCENARIO: card.scenario,
                    Source.CREATOR_NOTES: card.creator_notes,
                },
                character_names=request.names,
                character_tags=request.tags,
                trigger=request.kind,
                vectorized=request.vectorized,
                greeting=request.greeting,
            )
        )
        return self._scripted_lore(result)

    def _scripted_lore(self, result: ScanResult) -> ScanResult:
        if not any(Placement.WORLD_INFO in each.placement for each in self._request.scripts):
            return result
        texts = self._scripted(
            [
                ScriptedText(
                    text=one.content,
                    placement=Placement.WORLD_INFO,
                    depth=one.entry.depth if one.entry.position == Position.AT_DEPTH else None,
                )
                for one in result.activated
            ]
        )
        return with_contents(result, dict(zip(map(id, result.activated), texts, strict=True)))


def lore_texts(found: FoundTexts) -> LoreTexts:
    """Return the texts of a scan as prompts take them."""
    return LoreTexts(
        before=_one(found.before),
        after=_one(found.after),
        note_top=_one(found.note_top),
        note_bottom=_one(found.note_bottom),
        examples_top=found.examples_top,
        examples_bottom=found.examples_bottom,
        at_depth=[
            DepthText(depth=depth, role=_ROLES[role], text=text)
            for depth, role, text in found.at_depth
        ],
        personality=_one(found.sections.get("personality", "")),
        scenario=_one(found.sections.get("scenario", "")),
    )


def with_contents(result: ScanResult, contents: dict[int, str]) -> ScanResult:
    """Return ``result`` with other contents, by the identity of its activations."""

    def changed(entries: Iterable[Activation]) -> tuple[Activation, ...]:
        return tuple(replace(one, content=contents[id(one)]) for one in entries)

    return replace(
        result,
        activated=changed(result.activated),
        before=changed(result.before),
        after=changed(result.after),
        at_depth=tuple(
            DepthBlock(depth=block.depth, role=block.role, entries=changed(block.entries))
            for block in result.at_depth
        ),
        other={name: changed(entries) for name, entries in result.other.items()},
        outlets={name: changed(entries) for name, entries in result.outlets.items()},
    )


def _answered(chat: Sequence[ChatMessage], kind: Kind) -> Sequence[ChatMessage]:
    again = kind in {"swipe", "regenerate"} and chat and chat[-1].role == "assistant"
    return chat[:-1] if again else chat


def _one(text: str) -> tuple[str, ...]:
    return (text,) if text.strip() else ()
