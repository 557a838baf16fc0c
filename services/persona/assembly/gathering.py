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
    replace the general ones. ``disabled`` turns general ones off: ``system_prompt``,
    ``post_history_instructions``. ``fill_chat`` fills in macros of messages; people who write
    messages can then read whatever macros tell.
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
    disabled: frozenset[str] = frozenset()
    fill_chat: bool = False


def filled(character: Character, environment: MacroEnvironment) -> Character:
    """Return ``character`` with the macros of its descriptive texts filled in.

    Macros that change variables then do so once, however often the texts are used: for the search
    of lorebooks and for the prompt.
    """

    def fill(text: str) -> str:
        return expand(_tidy(text), environment)

    depth_prompt = character.depth_prompt
    return replace(
        character,
        description=fill(character.description),
        personality=fill(character.personality),
        scenario=fill(character.scenario),
        creator_notes=fill(character.creator_notes),
        depth_prompt=None
        if depth_prompt is None
        else replace(depth_prompt, prompt=fill(depth_prompt.prompt)),
    )


def with_card(
    environment: MacroEnvironment, character: Character, *, persona: str = ""
) -> MacroEnvironment:
    """Return ``environment`` with the card's texts and the user's ``persona`` as macros.

    Values that ``environment`` has already stay; variables are shared with it.
    """
    depth_prompt = character.depth_prompt
    values = {
        "description": character.description,
        "personality": character.personality,
        "scenario": character.scenario,
        "persona": persona,
        "mesexamples": character.mes_example,
        "charprompt": character.system_prompt,
        "charjailbreak": character.post_history_instructions,
        "charinstruction": character.post_history_instructions,
        "charfirstmessage": character.first_mes,
        "charversion": character.character_version,
        "char_version": character.character_version,
        "chardepthprompt": depth_prompt.prompt if depth_prompt else "",
        "charcreatornotes": character.creator_notes,
    }
    return replace(environment, values=values | dict(environment.values))


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

    def material(self) -> Material:
        request, card, texts = self._request, self._request.character, self._request.texts
        note = self._note()
        outside = [note] if note is not None and note.place is not NotePlace.IN_CHAT else []
        return Material(
            before_main=self._notes(outside, NotePlace.BEFORE_MAIN),
            main=self._override(card.system_prompt, texts.main, "system_prompt"),
            after_main=self._notes(outside, NotePlace.AFTER_MAIN),
            world_before=self._joined(request.lore.before),
            user_description=self._description(DescriptionPlace.IN_PROMPT),
            description=self._fill(card.description),
            personality=self._section(
                card.personality, texts.personality, request.lore.personality
            ),
            scenario=self._section(card.scenario, texts.scenario, request.lore.scenario),
            enhance=self._fill(texts.enhance),
            auxiliary=self._fill(texts.auxiliary),
            world_after=self._joined(request.lore.after),
            examples=self._examples(),
            new_chat=self._fill(texts.new_group_chat if request.group else texts.new_chat),
            history=self._history(),
            injections=self._injections(note),
            history_end=self._history_end(),
            post_history=self._override(
                card.post_history_instructions, texts.post_history, "post_history_instructions"
            ),
            control=self._control(),
        )

    def _fill(self, text: str) -> str:
        tidy = _tidy(text)
        return expand(tidy, self._environment) if tidy else ""

    def _override(self, card: str, general: str, name: str) -> str:
        """Return the card's text where it has one; ``{{original}}`` in it is the general one."""
        if name in self._request.disabled:
            general = ""
        if not (card.strip() and self._request.card_overrides):
            return self._fill(general)
        return expand(_tidy(card), replace(self._environment, original=_tidy(general)))

    def _section(self, card: str, frame: str, lore: Sequence[str]) -> str:
        """Return a part of the card in its frame, then the lore that belongs to it."""
        return self._joined([self._fill(frame) if card.strip() else "", *lore])

    def _joined(self, texts: Sequence[str]) -> str:
        return "\n".join(text for text in texts if text.strip())

    def _description(self, place: DescriptionPlace) -> str:
        user = self._request.user_description
        return self._fill(user.text) if user is not None and user.place is place else ""

    def _note(self) -> AuthorsNote | None:
        """Return the author's note with the lore and description around it, when it is due."""
        request = self._request
        note = request.note or AuthorsNote(text="", depth=NOTE_DEPTH)
        said = sum(message.role == "user" for message in request.chat)
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
            *example_blocks(self._fill(request.character.mes_example)),
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
        request = self._request
        pieces = []
        for message in request.chat:
            text = message.content.replace("\r", "")
            if request.fill_chat:
                text = expand(text, self._environment)
            if text.strip():
                content = self._named(message, text) if request.group else text
                role = _ROLES[message.role]
                pieces.append(Piece(role=role, content=content, source="chatHistory"))
        return pieces

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
        if request.group and request.kind != "impersonate":
            ends.append((texts.group_nudge, "groupNudge"))
        if request.kind == "continue":
            ends.append((texts.continue_nudge, "continueNudge"))
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


def _tidy(text: str) -> str:
    """Return ``text`` without carriage returns and without white space around it."""
    return text.replace("\r", "").strip()
