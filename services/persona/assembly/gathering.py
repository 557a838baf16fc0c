"""From card, lore, notes and chat to the material of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.llm.model import PromptRole
from services.persona.assembly.examples import SOURCE, example_blocks, example_messages
from services.persona.assembly.material import (
    NOTE_DEPTH,
    AuthorsNote,
    ChatMessage,
    DescriptionPlace,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblyRequest:
    """What a prompt is assembled from.

    ``group`` names all characters of a scene with several; ``quiet`` is an instruction that comes
    last of all. ``card_overrides`` lets the card's system prompt and post-history instructions
    replace the general ones.
    """

    character: Character
    environment: MacroEnvironment
    texts: LayoutTexts
    chat: Sequence[ChatMessage]
    lore: LoreTexts = field(default_factory=LoreTexts)
    user_description: UserDescription | None = None
    note: AuthorsNote | None = None
    kind: Kind = "normal"
    group: Sequence[str] = ()
    quiet: str = ""
    extra: Sequence[Injection] = ()
    card_overrides: bool = True


def gather(request: AssemblyRequest) -> Material:
    """Return the material of ``request``, macros filled in, in the order people wrote it."""
    return _Gathering(request).material()


class _Gathering:
    def __init__(self, request: AssemblyRequest) -> None:
        self._request = request
        card = request.character
        values = {
            "description": card.description,
            "personality": card.personality,
            "scenario": card.scenario,
            "persona": request.user_description.text if request.user_description else "",
            "mesexamples": card.mes_example,
            "charprompt": card.system_prompt,
            "charjailbreak": card.post_history_instructions,
            "charinstruction": card.post_history_instructions,
            "charfirstmessage": card.first_mes,
            "charversion": card.character_version,
            "char_version": card.character_version,
            "chardepthprompt": card.depth_prompt.prompt if card.depth_prompt else "",
            "charcreatornotes": card.creator_notes,
        }
        self._environment = replace(
            request.environment, values=values | dict(request.environment.values)
        )

    def material(self) -> Material:
        request, card, texts = self._request, self._request.character, self._request.texts
        note = self._note()
        outside = [note] if note is not None and note.place is not NotePlace.IN_CHAT else []
        return Material(
            before_main=self._notes(outside, NotePlace.BEFORE_MAIN),
            main=self._override(card.system_prompt, texts.main),
            after_main=self._notes(outside, NotePlace.AFTER_MAIN),
            world_before=self._joined(request.lore.before),
            user_description=self._description(DescriptionPlace.IN_PROMPT),
            description=self._fill(card.description),
            personality=self._framed(card.personality, texts.personality),
            scenario=self._framed(card.scenario, texts.scenario),
            auxiliary=self._fill(texts.auxiliary),
            world_after=self._joined(request.lore.after),
            examples=self._examples(),
            new_chat=self._fill(texts.new_group_chat if request.group else texts.new_chat),
            history=self._history(),
            injections=self._injections(note),
            history_end=self._history_end(),
            post_history=self._override(card.post_history_instructions, texts.post_history),
            control=self._control(),
        )

    def _fill(self, text: str) -> str:
        return expand(text, self._environment).strip() if text.strip() else ""

    def _override(self, card: str, general: str) -> str:
        """Return the card's text where it has one; ``{{original}}`` in it is the general one."""
        if not (card.strip() and self._request.card_overrides):
            return self._fill(general)
        original = replace(self._environment, original=general)
        return expand(card, original).strip()

    def _framed(self, text: str, frame: str) -> str:
        return self._fill(frame) if text.strip() else ""

    def _joined(self, texts: Sequence[str]) -> str:
        return "\n".join(text for text in texts if text)

    def _description(self, place: DescriptionPlace) -> str:
        user = self._request.user_description
        return self._fill(user.text) if user is not None and user.place is place else ""

    def _note(self) -> AuthorsNote | None:
        """Return the author's note with the lore and description around it, when it is due."""
        request = self._request
        note = request.note or AuthorsNote(text="", depth=NOTE_DEPTH)
        said = sum(message.role == "user" for message in request.chat)
        if note.interval <= 0 or (note.interval > 1 and said % note.interval):
            return None
        parts = [
            self._description(DescriptionPlace.NOTE_TOP),
            *request.lore.note_top,
            self._fill(note.text),
            *request.lore.note_bottom,
            self._description(DescriptionPlace.NOTE_BOTTOM),
        ]
        text = self._joined(parts)
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
            if text:
                if request.kind == "continue":
                    depth = max(1, depth)
                found.append(
                    Injection(depth=depth, role=role, content=text, source=source, order=order)
                )

        if note is not None and note.place is NotePlace.IN_CHAT:
            add(note.depth, note.role, note.text, "authorsNote", InjectionOrder.NOTE)
        if (card := request.character.depth_prompt) is not None:
            role = _ROLES.get(card.role, PromptRole.SYSTEM)
            add(card.depth, role, self._fill(card.prompt), "depthPrompt", InjectionOrder.CARD)
        user = request.user_description
        if user is not None and user.place is DescriptionPlace.AT_DEPTH:
            text = self._fill(user.text)
            add(user.depth, user.role, text, "personaDescription", InjectionOrder.USER)
        for each in request.lore.at_depth:
            add(each.depth, each.role, each.text, "worldInfoDepth", InjectionOrder.LORE)
        return [*found, *request.extra]

    def _examples(self) -> Sequence[Sequence[Piece]]:
        request = self._request
        environment = self._environment
        blocks = [
            *(block for text in request.lore.examples_top for block in example_blocks(text)),
            *example_blocks(expand(request.character.mes_example, environment)),
            *(block for text in request.lore.examples_bottom for block in example_blocks(text)),
        ]
        new_example = self._fill(request.texts.new_example)
        found = []
        for block in blocks:
            messages = example_messages(
                block, user=environment.user, char=environment.char, group=request.group
            )
            if messages and new_example:
                head = Piece(role=PromptRole.SYSTEM, content=new_example, source=SOURCE)
                messages = [head, *messages]
            if messages:
                found.append(messages)
        return found

    def _history(self) -> Sequence[Piece]:
        group = bool(self._request.group)
        return [
            Piece(
                role=_ROLES[message.role],
                content=_named(message) if group else message.content,
                source="chatHistory",
            )
            for message in self._request.chat
            if message.content.strip()
        ]

    def _history_end(self) -> Sequence[Piece]:
        request, texts = self._request, self._request.texts
        ends = []
        if request.kind == "continue":
            ends.append((texts.continue_nudge, "continueNudge"))
        if request.group and request.kind != "impersonate":
            ends.append((texts.group_nudge, "groupNudge"))
        return self._system_pieces(ends)

    def _control(self) -> Sequence[Piece]:
        ends = []
        if self._request.kind == "impersonate":
            ends.append((self._request.texts.impersonate, "impersonate"))
        if self._request.quiet:
            ends.append((self._request.quiet, "quietPrompt"))
        return self._system_pieces(ends)

    def _system_pieces(self, ends: Sequence[tuple[str, str]]) -> Sequence[Piece]:
        return [
            Piece(role=PromptRole.SYSTEM, content=text, source=source)
            for text, source in ((self._fill(text), source) for text, source in ends)
            if text
        ]


def _named(message: ChatMessage) -> str:
    prefix = f"{message.name}: "
    if not message.name or message.role == "system" or message.content.startswith(prefix):
        return message.content
    return prefix + message.content
