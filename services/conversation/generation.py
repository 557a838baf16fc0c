"""One answer from the model: streaming, with rounds of tool calls in between."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from services.conversation.moderation.policy import ContentPolicy
from services.conversation.moderation.rules import NO_RULES, ContentRules
from services.conversation.processing import GuardedReply, ReplyFilter
from services.conversation.tool_guards import made_up_address, nested_too_deeply, quoted
from services.domain.calls import ToolCall, ToolResult
from services.domain.errors import ProviderError, ProviderFault
from services.domain.replies import PartAdded, ToolFinished, ToolStarted, Usage
from services.llm.model import (
    ChatModel,
    ChatRequest,
    ContentDelta,
    Ended,
    PromptMessage,
    PromptRole,
    Sampling,
    ToolCalled,
)
from services.persona.prompts import PromptLibrary
from services.settings import ConversationSettings
from services.toolbox.spec import Effect, ToolContext, ToolSpec
from services.toolbox.toolbox import Toolbox, schema_of

logger = logging.getLogger(__name__)

_SUMMARY = 200
_MOST_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer, cleaned."""

    text: str


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """The model wants a tool that a person must agree to; the answer ends here."""

    call: ToolCall
    tool: ToolSpec


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is complete; always the last. ``calls`` is how often the model was asked.

    ``memories`` are the memory blocks it wrote, which are never shown.
    """

    usage: Usage
    calls: int
    cut: bool
    memories: tuple[str, ...] = ()


GenerationEvent = Text | ToolStarted | ToolFinished | PartAdded | NeedsConfirmation | Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What to generate: the packed prompt, the tools on offer, and how to clean the text.

    ``rules`` are what may not be said in this place. No tool runs before all of ``certain`` are
    set. With ``outside`` the prompt holds text from outside, such as a file, and with ``again``
    the same was answered before: whatever changes something then waits for a person's yes.
    """

    model: ChatModel
    messages: Sequence[PromptMessage]
    sampling: Sampling
    think: bool | None
    tools: Sequence[ToolSpec]
    context: ToolContext
    own_names: Sequence[str]
    other_names: Sequence[str]
    limits: ConversationSettings
    persona_version: str = ""
    rules: ContentRules = NO_RULES
    certain: Sequence[asyncio.Event] = ()
    outside: bool = False
    again: bool = False

    @property
    def tenant(self) -> str:
        """The place on whose behalf the model is asked; models are shared fairly among places."""
        place = self.context.conversation
        return f"{place.platform}:{place.scope}"


@dataclass(slots=True)
class _Round:
    text: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    ended: Ended | None = None

    def called(self, call: ToolCall) -> None:
        """Add a call; of one that is nested too deeply to be handled only its name is kept."""
        if nested_too_deeply(call.arguments):
            self.unreadable.add(len(self.calls))
            call = replace(call, arguments={})
        self.calls.append(call)


@dataclass(slots=True)
class _Progress:
    """How far the rounds have come; ``outside`` says that text from outside has been read."""

    transcript: list[PromptMessage]
    tools: dict[str, ToolSpec]
    outside: bool
    again: bool = False
    waits: bool = False
    made: set[str] = field(default_factory=set)

    def needs_yes(self, tool: ToolSpec) -> bool:
        """Tell whether a person must agree before ``tool`` runs."""
        return tool.confirm or ((self.outside or self.again) and tool.effect is not Effect.READ)

    def leads_out(self, call: ToolCall, tool: ToolSpec) -> bool:
        """Tell whether ``call`` opens an address that nothing read so far has named."""
        said = [message.content for message in self.transcript if message.source != "tools"]
        return self.outside and tool.untrusted and made_up_address(call.arguments, said)

    def repeats(self, calls: Sequence[ToolCall]) -> bool:
        """Tell whether any of ``calls`` was made before, and note them all."""
        made = {_fingerprint(call) for call in calls}
        repeated = not made.isdisjoint(self.made)
        self.made |= made
        return repeated


class Generation:
    """Asks the model, runs the tools it calls, and asks again until it answers in words."""

    def __init__(
        self,
        *,
        toolbox: Toolbox,
        prompts: PromptLibrary,
        content: ContentPolicy,
        settings: ConversationSettings,
    ) -> None:
        self._toolbox = toolbox
        self._content = content
        self._prompts = prompts
        self._settings = settings

    def reconfigure(self, settings: ConversationSettings) -> None:
        """Take over ``settings``; an answer being given goes by those in its assignment."""
        self._settings = settings

    async def stream(self, job: Assignment, /) -> AsyncGenerator[GenerationEvent, None]:
        """Yield cleaned text and tool events, then one ``Done``.

        The model is asked once, plus once per round of tool calls; at most ``tool_rounds`` rounds
        run, of eight calls each, and a call repeated with the same arguments ends them. Only tools
        on offer run. Once a result has brought text from outside, a call that changes something
        waits for a person's yes, and none opens an address that nobody has named. The whole
        transcript is kept across rounds. Raises ``ProviderError``; closing the generator stops the
        model.
        """
        cleaner = GuardedReply(
            ReplyFilter(own_names=job.own_names, other_names=job.other_names),
            self._content.guard(job.rules),
        )
        progress = _Progress(
            list(job.messages), {tool.name: tool for tool in job.tools}, job.outside, job.again
        )
        usage = Usage()
        for count in range(1, job.limits.tool_rounds + 2):
            done = _Round()
            async with aclosing(self._round(job, progress, cleaner, done)) as texts:
                async for text in texts:
                    yield text
            usage += done.ended.usage if done.ended else Usage()
            if not done.calls or not progress.tools or cleaner.finished:
                break
            progress.transcript.append(_spoken(done))
            for certain in job.certain:
                await certain.wait()
            async with aclosing(self._calls(job, progress, done)) as events:
                async for event in events:
                    if isinstance(event, NeedsConfirmation) and (rest := cleaner.close()):
                        yield Text(rest)
                    yield event
            if progress.waits:
                yield Done(usage, count, cut=False)
                return
            if progress.repeats(done.calls) or count >= job.limits.tool_rounds:
                progress.tools = {}
                progress.transcript.append(self._answer_now())
        if rest := cleaner.close():
            yield Text(rest)
        cut = done.ended is not None and done.ended.finish == "length"
        yield Done(usage, count, cut=cut, memories=cleaner.memories)

    async def _calls(
        self, job: Assignment, progress: _Progress, done: _Round
    ) -> AsyncGenerator[ToolStarted | ToolFinished | PartAdded | NeedsConfirmation, None]:
        """Run a round's calls in order, up to the first that a person must agree to."""
        for position, call in enumerate(done.calls):
            tool = progress.tools.get(call.name)
            reason = _objection(progress, done, position)
            waits = tool is not None and reason is None and progress.needs_yes(tool)
            if tool is not None and waits and self._toolbox.fault(call) is None:
                progress.waits = True
                yield NeedsConfirmation(call, tool)
                return
            yield ToolStarted(call_id=call.id, name=call.name, arguments=call.arguments)
            if tool is None or reason is not None:
                result = _refused(call, reason)
            else:
                result = await self._run(call, job.context, job.limits)
                progress.outside = progress.outside or (tool.untrusted and not result.is_error)
            yield await self._finished(call, result, job.rules)
            for part in result.parts:
                yield PartAdded(part=part)
            progress.transcript.append(result_message(call, result, tool))

    async def run_confirmed(
        self, call: ToolCall, context: ToolContext, *, permits: Callable[[ToolSpec], bool]
    ) -> ToolResult:
        """Run a call a person has agreed to, if its tool is still there and permitted."""
        tool = self._toolbox.find(call.name)
        if tool is None or not permits(tool):
            return _refused(call)
        return await self._run(call, context, self._settings)

    async def _run(
        self, call: ToolCall, context: ToolContext, limits: ConversationSettings
    ) -> ToolResult:
        return await self._toolbox.run(call, context, limit=limits.tool_result_characters)

    async def _round(
        self,
        job: Assignment,
        progress: _Progress,
        cleaner: GuardedReply,
        done: _Round,
    ) -> AsyncGenerator[Text, None]:
        request = ChatRequest(
            messages=tuple(progress.transcript),
            tools=[schema_of(tool) for tool in progress.tools.values()],
            sampling=job.sampling,
            think=job.think,
            persona_version=job.persona_version,
            tenant=job.tenant,
        )
        async with aclosing(job.model.stream(request)) as events:
            async for event in events:
                match event:
                    case ContentDelta():
                        done.text.append(event.text)
                        if text := cleaner.feed(event.text):
                            yield Text(text)
                        if cleaner.finished:
                            return
                    case ToolCalled():
                        done.called(event.call)
                    case Ended():
                        done.ended = event
                    case _:
                        pass

    async def _finished(
        self, call: ToolCall, result: ToolResult, rules: ContentRules
    ) -> ToolFinished:
        shown = await self._content.cleaned(result.content, rules)
        return ToolFinished(
            call_id=call.id, name=call.name, is_error=result.is_error, summary=shown[:_SUMMARY]
        )

    def _answer_now(self) -> PromptMessage:
        return PromptMessage(
            role=PromptRole.SYSTEM,
            content=self._prompts.render("conversation/answer_now"),
            source="tools",
        )


def _objection(progress: _Progress, done: _Round, position: int) -> str | None:
    """Return why a call is not made, whatever a person says to it; ``None`` if it may be."""
    call = done.calls[position]
    tool = progress.tools.get(call.name)
    if tool is None:
        return f"There is no tool called {call.name[:60]} for you here."
    if position >= _MOST_AT_ONCE:
        return f"Not done: at most {_MOST_AT_ONCE} calls at once."
    if position in done.unreadable:
        return "Wrong arguments: they are nested too deeply."
    if not progress.needs_yes(tool) and progress.leads_out(call, tool):
        return "Not done: open only addresses that somebody, or something you read, has named."
    return None


def _refused(call: ToolCall, reason: str | None = None) -> ToolResult:
    sentence = reason or f"There is no tool called {call.name[:60]} for you here."
    return ToolResult(call_id=call.id, content=sentence, is_error=True)


def empty_answer(provider: str) -> ProviderError:
    """Return the error for an answer without words."""
    return ProviderError(
        provider,
        ProviderFault.EMPTY,
        "The model gave an empty answer; try again, or choose another model.",
    )


def result_message(call: ToolCall, result: ToolResult, tool: ToolSpec | None) -> PromptMessage:
    """Return a tool's result for the model; what comes from outside is quoted as data."""
    content = result.content
    if tool is None or tool.untrusted:
        content = quoted(content)
    return PromptMessage(
        role=PromptRole.TOOL,
        content=content,
        source=f"tool:{call.name}",
        tool_name=call.name,
        tool_call_id=call.id,
    )


def called_message(calls: Sequence[ToolCall], text: str = "") -> PromptMessage:
    """Return the assistant's message that made ``calls``."""
    return PromptMessage(
        role=PromptRole.ASSISTANT, content=text, source="tools", tool_calls=tuple(calls)
    )


def _spoken(done: _Round) -> PromptMessage:
    return called_message(done.calls, "".join(done.text))


def _fingerprint(call: ToolCall) -> str:
    return call.name + json.dumps(dict(call.arguments), sort_keys=True, default=str)
