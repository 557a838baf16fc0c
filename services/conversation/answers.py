"""From a turn to a stream of cleaned text: model, context and tools brought together."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from services.conversation.context import ContextAssembler, Prompt
from services.conversation.generation import (
    Assignment,
    Done,
    Generation,
    GenerationEvent,
    NeedsConfirmation,
    Text,
    called_message,
    result_message,
)
from services.conversation.inspection import Inspector
from services.conversation.moderation.policy import ContentPolicy
from services.conversation.processing import stop_sequences
from services.conversation.scenery import Scenery
from services.conversation.scenes import NO_CAST, Cast
from services.conversation.scripting import Scripting
from services.conversation.tool_offer import ToolOffer
from services.conversation.turn import Turn
from services.domain.errors import ProviderError
from services.domain.ids import AuthorId
from services.domain.messages import HistoryEntry
from services.domain.people import AuthorKind
from services.domain.replies import PartAdded, ToolFinished, ToolStarted
from services.llm.model import ChatModel, PromptMessage, PromptRole, Sampling, TokenCounter
from services.persona.character import Persona
from services.persona.style import answer_limit
from services.settings import ConversationSettings, LlmSettings
from services.toolbox.spec import Effect, ToolContext, ToolSpec
from services.toolbox.toolbox import Toolbox, schema_of

_MOST_NAMES = 20
_OUTSIDE = ("attachments", "documents", "pictures")
_LABELS = ("User", "Human")  # what models call whoever they talk to


class ModelSource(Protocol):
    """Where chat models come from."""

    async def get(self, name: str | None = None, *, fallbacks: Sequence[str] = ()) -> ChatModel:
        """Return an opened model, the configured one if ``name`` is ``None``.

        ``fallbacks`` are asked in order when it fails before its first word; without any, the
        configured ones are.
        """
        ...


class AnswerSource:
    """Answers turns: picks the model, packs the prompt, offers the tools, streams the text."""

    def __init__(
        self,
        *,
        models: ModelSource,
        assembler: ContextAssembler,
        generation: Generation,
        toolbox: Toolbox,
        tokens: TokenCounter,
        inspector: Inspector,
        settings: LlmSettings,
        rng: random.Random,
        scripting: Scripting,
        content: ContentPolicy,
    ) -> None:
        self._rng = rng
        self._content = content
        self._models = models
        self._assembler = assembler
        self._generation = generation
        self._toolbox = toolbox
        self._offer = ToolOffer(toolbox)
        self._tokens = tokens
        self._inspector = inspector
        self._settings = settings
        self._scripting = scripting

    def reconfigure(self, settings: LlmSettings) -> None:
        """Take over ``settings`` from the next turn on."""
        self._settings = settings

    def foresee(self, text: str, /) -> None:
        """Begin to prepare a turn that answers ``text``; returns at once."""
        self._assembler.foresee(text)

    async def stream(self, turn: Turn, /) -> AsyncGenerator[GenerationEvent, None]:
        """Yield the answer's events; see ``Generation.stream`` for order and errors.

        The settings at the first event hold for the whole turn.
        """
        settings, limits = self._settings, self._assembler.settings
        model = await self._models.get(
            turn.model_name or turn.persona.model.model, fallbacks=turn.persona.model.fallbacks
        )
        sampling = sampling_for(turn.persona, model, settings)
        tools = self._offer.of(turn, most=limits.tools_offered)
        prompt = await self._pack(turn, model, sampling, tools, limits)
        messages = prompt.messages
        if turn.resumed is not None:
            call, result = turn.resumed
            tool = self._toolbox.find(call.name)
            messages = (*messages, called_message([call]), result_message(call, result, tool))
        turn.explanation |= prompt.report | {
            "model": model.info.name,
            "context_tokens": model.info.context_tokens,
            "prompt_tokens_estimated": prompt.tokens,
            "tools_offered": [tool.name for tool in tools],
        }
        self._inspector.remember(turn.brief.turn, messages)
        own, others = speaker_names(turn, prompt.scenery.names)
        sampling = replace(sampling, stop=stop_sequences(own, others))
        job = Assignment(
            model=model,
            messages=messages,
            sampling=sampling,
            think=settings.think,
            tools=tools,
            context=tool_context(turn),
            own_names=own,
            other_names=others,
            limits=limits,
            persona_version=turn.persona.version,
            rules=self._content.joined(turn.forbidden),
            certain=turn.certain,
            outside=_reads_outside(messages),
            again=turn.again,
        )
        for part in () if turn.resumed is None else turn.resumed[1].parts:
            yield PartAdded(part=part)
        kept = False
        async with aclosing(self._told(turn, job, prompt.scenery)) as events:
            async for event in events:
                yield event
                if not kept and isinstance(event, Text):
                    kept = True
                    await self._assembler.keep(turn.brief, prompt.scenery)

    async def _told(
        self, turn: Turn, job: Assignment, scenery: Scenery
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Yield the generation's events.

        The text comes in one piece, before the event that ends it, where the card's scripts may
        change it: whether an expression matches is known only when all is there.
        """
        whole = self._scripting.rewrites(turn.persona)

        async def said() -> str:
            text = await self._scripting.said(turn.persona, "".join(held), scenery)
            return await self._content.cleaned(text, job.rules)

        held: list[str] = []
        failure: ProviderError | None = None
        async with aclosing(self._generation.stream(job)) as events:
            try:
                async for event in events:
                    if isinstance(event, Text) and whole:
                        held.append(event.text)
                        continue
                    self._note_call(turn, event)
                    if isinstance(event, NeedsConfirmation | Done) and held:
                        yield Text(await said())
                        held = []
                    yield event
            except ProviderError as error:
                failure = error
        if failure is not None:
            if held:
                yield Text(await said())
            raise failure

    def _note_call(self, turn: Turn, event: GenerationEvent) -> None:
        """Add a call that has ended, or waits for a yes, to what ``why`` tells."""
        match event:
            case ToolStarted():
                tool = self._toolbox.find(event.name)
                turn.acted = turn.acted or (tool is not None and tool.effect is not Effect.READ)
                return
            case ToolFinished():
                told = f"{event.name}: {'failed' if event.is_error else 'ok'}"
            case NeedsConfirmation():
                told = f"{event.call.name}: asked first"
            case _:
                return
        called = turn.explanation.setdefault("tools_called", [])
        if isinstance(called, list):
            called.append(told)

    async def _pack(
        self,
        turn: Turn,
        model: ChatModel,
        sampling: Sampling,
        tools: Sequence[ToolSpec],
        limits: ConversationSettings,
    ) -> Prompt:
        described = json.dumps([dict(schema_of(tool).parameters) for tool in tools])
        extra = sum(self._tokens.count(tool.description) + 40 for tool in tools)
        if turn.resumed is not None:
            extra += self._tokens.count(turn.resumed[1].content) + 100
        return await self._assembler.assemble(
            turn.brief,
            turn.persona,
            turn.history,
            info=model.info,
            reserve=sampling.max_tokens,
            settings=limits,
            tools_tokens=extra + (self._tokens.count(described) if tools else 0),
            cast=turn.cast,
        )

    async def cleaned(self, turn: Turn, text: str) -> str:
        """Return ``text``, said besides the model's own words, as it may be shown in ``turn``."""
        return await self._content.cleaned(text, self._content.joined(turn.forbidden))

    def excuse(self) -> str | None:
        """Return what is said when no model answered; ``None`` says what went wrong."""
        texts = self._settings.fallback_texts
        return self._rng.choice(texts) if texts else None

    def beginning(
        self,
        persona: Persona,
        model: ChatModel,
        *,
        history: Sequence[HistoryEntry] = (),
        cast: Cast = NO_CAST,
    ) -> Sequence[PromptMessage]:
        """Return what the next prompt of ``persona`` begins with, ``history`` included."""
        reserve = sampling_for(persona, model, self._settings).max_tokens
        return self._assembler.beginning(
            persona, model.info, reserve=reserve, history=history, cast=cast
        )


def sampling_for(persona: Persona, model: ChatModel, settings: LlmSettings) -> Sampling:
    """Return how ``persona`` samples; the answer never takes more than half the context."""
    wanted = persona.model.max_tokens or answer_limit(persona, most=settings.max_tokens)
    temperature = persona.model.temperature
    return Sampling(
        max_tokens=min(wanted, model.info.context_tokens // 2),
        temperature=settings.temperature if temperature is None else temperature,
        top_p=settings.top_p,
        repeat_penalty=settings.repeat_penalty,
    )


def speaker_names(
    turn: Turn, called: Mapping[AuthorId, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the persona's own names and those of the others who speak in the history.

    ``called`` are what people call themselves here; the other characters of a scene belong to the
    others, whether they have spoken or not.
    """
    own = turn.persona.names
    others = dict.fromkeys(
        called.get(entry.message.author.id, entry.message.author.display_name)
        for entry in reversed(turn.history)
        if entry.message.author.kind is not AuthorKind.SYSTEM
    )
    names = [name for name in (*turn.cast.group, *others, *_LABELS) if name and name not in own]
    return own, tuple(names[:_MOST_NAMES])


def _reads_outside(messages: Sequence[PromptMessage]) -> bool:
    """Tell whether a prompt holds text that nobody here has written."""
    return any(source in message.source for message in messages for source in _OUTSIDE) or any(
        message.role is PromptRole.TOOL or message.images for message in messages
    )


def tool_context(turn: Turn) -> ToolContext:
    """Return on whose behalf ``turn``'s tools run."""
    return ToolContext(
        conversation=turn.brief.conversation,
        persona=turn.persona.id,
        turn=turn.brief.turn,
        asker=turn.asker,
        role=turn.role,
        timezone=turn.brief.timezone,
        message=None if turn.brief.trigger is None else turn.brief.trigger.id,
    )
