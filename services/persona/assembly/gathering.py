"""From card, lore, notes and chat to the material of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.llm.model import PromptRole
from services.persona.assembly.examples import examples_of
from services.persona.assembly.filling import fill_in, tidy, with_card
from services.persona.assembly.material import (
    CHAT,
    NOTE_DEPTH,
    AuthorsNote,
    ChatMessage,
    DescriptionPlace,
    Example,
    Injection,
    InjectionOrder,
    Kind,
    LayoutTexts,
    LoreTexts,
    Material,
    NotePlace,
    Piece,
    UserDescription,
)
from services.persona.character import Character
from services.persona.macros.engine import expand
from services.persona.macros.environment import MacroEnvironment

_ROLES = {
    "system": PromptRole.SYSTEM,
    "user": PromptRole.USER,
    "assistant": PromptRole.ASSISTANT,
}
_PLACE = "\x00place\x00"

OVERRIDES = frozenset({"system_prompt", "post_history_instructions"})
"""The texts of a card that replace general ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyRequest:
    """What a prompt is assembled from.

    The conversation is ``chat``, or ``told`` where its messages are as the prompt takes them.
    ``group`` names all characters of a scene with several; ``quiet`` is an instruction that comes
    last of all. ``card_overrides`` names the texts of the card that replace the general ones,
    ``disabled`` general ones that are turned off, both of ``OVERRIDES``. ``fill_chat`` fills in
    macros of messages; people who write messages can then read whatever macros tell. ``filled``
    says that the descriptive texts of the card and of the user are filled in already. ``answered``
    are the ordinals of the messages to answer, without any a newest one of the user's or one that
    is continued; ``cut`` says that ``chat`` is not all there is. Where ``common_opening`` holds,
    the beginning is the same for all characters of a scene, and what the card says of this one's
    answers comes behind the history.
    """

    character: Character
    environment: MacroEnvironment
    texts: LayoutTexts
    chat: Sequence[ChatMessage] = ()
    told: Sequence[Piece] = ()
    lore: LoreTexts = field(default_factory=LoreTexts)
    user_description: UserDescription | None = None
    note: AuthorsNote | None = None
    kind: Kind = "normal"
    group: Sequence[str] = ()
    quiet: str = ""
    card_overrides: frozenset[str] = OVERRIDES
    disabled: frozenset[str] = frozenset()
    fill_chat: bool = False
    filled: bool = False
    answered: frozenset[int] = frozenset()
    cut: bool = False
    common_opening: bool = False


def gather(request: AssemblyRequest) -> Material:
    """Return the material of ``request``, macros filled in, in the order people wrote it."""
    return _Gathering(request).material()


class _Gathering:
    def __init__(self, request: AssemblyRequest) -> None:
        self._request = request
        user = request.user_description
        self._environment = with_card(
            request.environment, request.character, persona=user.text if user else ""
        )
        self._new_example = self._fill(request.texts.new_example)

    def material(self) -> Material:
        request, card, texts = self._request, self._request.character, self._request.texts
        note = self._note()
        outside = [note] if note is not None and note.place is not NotePlace.IN_CHAT else []
        history = self._history()
        return Material(
            before_main=self._notes(outside, NotePlace.BEFORE_MAIN),
            main=self._main(),
            after_main=self._notes(outside, NotePlace.AFTER_MAIN),
            world_before=self._joined(request.lore.before),
            user_description=self._description(DescriptionPlace.IN_PROMPT),
            description=self._filled(card.description),
            personality=self._framed(card.personality, texts.personality, "personality"),
            world_personality=self._joined(request.lore.personality),
            scenario=self._framed(card.scenario, texts.scenario, "scenario"),
            world_scenario=self._joined(request.lore.scenario),
            enhance=self._fill(texts.enhance),
            auxiliary="" if request.common_opening else self._fill(texts.auxiliary),
            world_after=self._joined(request.lore.after),
            examples_top=self._examples(request.lore.examples_top),
            examples=self._examples([self._filled(card.mes_example)]),
            examples_bottom=self._examples(request.lore.examples_bottom),
            new_example=self._new_example,
            new_chat=self._fill(texts.new_group_chat if request.group else texts.new_chat),
            history=history,
            answered=self._answered(history),
            cut=request.cut,
            injections=self._injections(note),
            history_end=self._history_end(),
            post_history=self._override(
                card.post_history_instructions, texts.post_history, "post_history_instructions"
            ),
            control=self._control(),
        )

    def _fill(self, text: str) -> str:
        return fill_in(tidy(text), self._environment)

    def _filled(self, text: str) -> str:
        """Return a descriptive text of the card or the user, filled in if it is not yet."""
        return text if self._request.filled else self._fill(text)

    def _main(self) -> str:
        if self._request.common_opening:
            return self._fill(self._request.texts.main)
        return self._override(
            self._request.character.system_prompt, self._request.texts.main, "system_prompt"
        )

    def _override(self, card: str, general: str, name: str) -> str:
        """Return the card's text where it has one; ``{{original}}`` in it is the general one."""
        if name in self._request.disabled:
            general = ""
        if not card.strip() or name not in self._request.card_overrides:
            return self._fill(general)
        return expand(tidy(card), replace(self._environment, original=tidy(general)))

    def _framed(self, card: str, frame: str, name: str) -> str:
        """Return a part of the card in its frame, where the macro ``name`` stands for it.

        What is filled in already must not be taken for macros again: it may quote what people say.
        """
        if not card.strip():
            return ""
        if not self._request.filled:
            return self._fill(frame)
        values = dict(self._environment.values) | {name: _PLACE}
        framed = expand(tidy(frame), replace(self._environment, values=values))
        return framed.replace(_PLACE, card)

    def _joined(self, texts: Sequence[str]) -> str:
        return "\n".join(text for text in texts if text.strip())

    def _description(self, place: DescriptionPlace) -> str:
        user = self._request.user_description
        return self._filled(user.text) if user is not None and user.place is place else ""

    def _note(self) -> AuthorsNote | None:
        """Return the author's note with the lore and description around it, when it is due."""
        request = self._request
        note = request.note or AuthorsNote(text="", depth=NOTE_DEPTH)
        said = sum(message.role == "user" for message in (request.chat or request.told))
        due = note.interval == 1 or (note.interval > 1 and said > 0 and said % note.interval == 0)
        if not due:
            return None
        parts = [
            *request.lore.note_top,
            self._description(DescriptionPlace.NOTE_TOP),
            self._fill(note.text),
            self._description(DescriptionPlace.NOTE_BOTTOM),
            *request.lore.note_bottom,
        ]
        text = self._joined(parts).strip()
        return replace(note, text=text) if text else None

    def _notes(self, notes: Sequence[AuthorsNote], place: NotePlace) -> Sequence[Piece]:
        return [
            Piece(role=note.role, content=note.text, source="authorsNote")
            for note in notes
            if note.place is place
        ]

    def _injections(self, note: AuthorsNote | None) -> Sequence[Injection]:
        request = self._request
        found: list[Injection] = []

        def add(
            depth: int, role: PromptRole, text: str, source: str, order: InjectionOrder
        ) -> None:
            if text := text.strip():
                if request.kind == "continue":
                    depth = max(1, depth)
                found.append(
                    Injection(depth=depth, role=role, content=text, source=source, order=order)
                )

        if note is not None and note.place is NotePlace.IN_CHAT:
            add(note.depth, note.role, note.text, "authorsNote", InjectionOrder.NOTE)
        if (card := request.character.depth_prompt) is not None:
            role = _ROLES.get(card.role, PromptRole.SYSTEM)
            add(card.depth, role, self._filled(card.prompt), "depthPrompt", InjectionOrder.CARD)
        user = request.user_description
        if user is not None and user.place is DescriptionPlace.AT_DEPTH:
            text = self._filled(user.text)
            add(user.depth, user.role, text, "personaDescription", InjectionOrder.USER)
        for each in request.lore.at_depth:
            add(each.depth, each.role, each.text, "worldInfoDepth", InjectionOrder.LORE)
        return found

    def _examples(self, texts: Sequence[str]) -> Sequence[Example]:
        environment = self._environment
        return [
            example
            for text in texts
            for example in examples_of(
                text,
                user=environment.user,
                char=environment.char,
                names=[self._request.character.name],
                group=self._request.group,
                separator=self._new_example,
            )
        ]

    def _history(self) -> Sequence[Piece]:
        request = self._request
        if request.told:
            return request.told
        pieces = []
        for number, message in enumerate(request.chat, 1):
            text = message.content
            if "\r" in text:
                text = text.replace("\r", "")
            if request.fill_chat and ("{{" in text or "<" in text):
                text = expand(text, self._environment)
            if not text or text.isspace():
                continue
            if request.group:
                text = self._named(message, text)
            pieces.append(
                Piece(
                    role=_ROLES[message.role],
                    content=text,
                    source=CHAT,
                    ordinal=number if message.ordinal is None else message.ordinal,
                )
            )
        return pieces

    def _answered(self, history: Sequence[Piece]) -> frozenset[int]:
        request = self._request
        if request.answered or not history:
            return request.answered
        newest = history[-1]
        counts = newest.role is PromptRole.USER or request.kind == "continue"
        return frozenset({newest.ordinal} if counts else ())

    def _named(self, message: ChatMessage, text: str) -> str:
        """Return what a member of a group said, with the name; the user's role says enough."""
        prefix = f"{message.name}: "
        is_user = message.role == "user" and message.name == self._environment.user
        if not message.name or is_user or message.role == "system" or text.startswith(prefix):
            return text
        return prefix + text

    def _history_end(self) -> Sequence[Piece]:
        request, texts = self._request, self._request.texts
        ends = []
        if request.common_opening:
            own = replace(self._environment, original="")
            ends.append((expand(request.character.system_prompt, own).strip(), "main"))
            ends.append((self._fill(texts.auxiliary), "nsfw"))
        if request.group and request.kind != "impersonate":
            ends.append((self._fill(texts.group_nudge), "groupNudge"))
        if request.kind == "continue":
            ends.append((self._fill(texts.continue_nudge), "continueNudge"))
        return self._system_pieces(ends)

    def _control(self) -> Sequence[Piece]:
        ends = []
        if self._request.kind == "impersonate":
            ends.append((self._fill(self._request.texts.impersonate), "impersonate"))
        if self._request.quiet:
            ends.append((self._fill(self._request.quiet), "quietPrompt"))
        return self._system_pieces(ends)

    def _system_pieces(self, ends: Sequence[tuple[str, str]]) -> Sequence[Piece]:
        return [
            Piece(role=PromptRole.SYSTEM, content=text, source=source)
            for text, source in ends
            if text
        ]
