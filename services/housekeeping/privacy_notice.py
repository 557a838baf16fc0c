"""What people are told about what is stored of them, as the settings have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.conversation.place_rules import PlaceRules
from services.conversation.places import PlaceSettings
from services.conversation.recollection import PLACE, Viewers
from services.domain.ids import ConversationId
from services.housekeeping.retention import RETENTION_DAYS
from services.housekeeping.rotation import LONGEST
from services.llm.engines import switched_on
from services.people.scopes import ScopedSettings
from services.settings import MemorySettings, SearchSettings, Settings

_ELSEWHERE = {
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
    "requesty": "Requesty",
    "vllm": "the vLLM server of this installation",
    "llamacpp": "the llama.cpp server of this installation",
    "ollama": "the Ollama server of this installation",
}
_PICTURES = {
    "automatic1111": "the Automatic1111 server of this installation",
    "comfyui": "ComfyUI on a server of this installation",
    "openai": "the service that makes pictures",
}
_LEARNING = {
    "model": "Characters learn facts about you from what you say, by rules and with a language "
    "model that runs in the background; each fact keeps the message it came from.",
    "rules": "Characters learn facts about you from what you say, by rules; each fact keeps the "
    "message it came from.",
    "off": "Characters learn no facts from what you say.",
}
_REACH = {
    "here": "What you said is recalled to you in the same conversation only.",
    "guild": "What you said is recalled to you in all conversations of the same server, in which "
    "you were there; in direct messages only there.",
    "everywhere": "What you said is recalled to you wherever you talk to the character.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePart:
    """Sentences under one heading."""

    heading: str
    sentences: Sequence[str]


class PrivacyNotice:
    """Says what is kept, for how long, where it goes and who is reminded of it.

    Every sentence follows from the settings of the installation and of the place it is asked in.
    How to see and delete things is for each frontend to say.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        viewers: Viewers,
        places: PlaceSettings,
        scopes: ScopedSettings,
    ) -> None:
        self._settings = settings
        self._viewers = viewers
        self._places = places
        self._scopes = scopes

    async def of(self, conversation: ConversationId) -> Sequence[NoticePart]:
        """Return the notice that holds in a conversation."""
        rules = await self._places.of(conversation)
        memory = self._viewers.settings
        return (
            NoticePart(heading="What is kept", sentences=_kept(rules, memory)),
            NoticePart(heading="For how long", sentences=await self._duration(conversation)),
            NoticePart(heading="Where it is", sentences=self._location(rules, memory)),
            NoticePart(
                heading="Who is reminded of it",
                sentences=await self._audience(conversation, memory),
            ),
        )

    async def _duration(self, conversation: ConversationId) -> Sequence[str]:
        tidy, storage = self._settings.housekeeping, self._settings.storage
        place = await self._scopes.resolve(RETENTION_DAYS, conversation=conversation)
        limits = [
            days for days in (place, self._settings.memory.retention_days) if days and days > 0
        ]
        if limits and tidy.enabled:
            messages = f"Messages said here are forgotten after {min(limits):g} days; facts stay."
        else:
            messages = "Messages and facts are kept until you have them forgotten."
        backups = (
            f"Backups are made every night and are gone after {LONGEST.days} days at the latest."
            if tidy.enabled and tidy.daily_backups + tidy.weekly_backups
            else f"Backups that are made are gone {LONGEST.days} days after you are forgotten."
        )
        content = "may hold" if self._settings.logging.log_content else "hold no"
        return (
            messages,
            f"Attachments: the last {storage.blob_cache_mb} MB that anybody sent.",
            backups,
            f"Logs {content} message text and go after {tidy.log_days:g} days.",
        )

    def _location(self, rules: PlaceRules, memory: MemorySettings) -> Sequence[str]:
        sentences = ["It is stored in the data folder of the machine that runs this program."]
        goes_to = self._model_of(rules)
        if goes_to is None:
            sentences.append("Answers are written on that machine, too.")
        else:
            sentences.append(f"To be answered, what you say is sent to {goes_to}.")
        engine = memory.embedder.partition(":")[0]
        if memory.enabled and engine in ("openai", "ollama"):
            sentences.append(f"To be found again, it is sent to {_ELSEWHERE[engine]}.")
        if self._settings.moderation.model:
            sentences.append("A further language model judges whether it may be answered.")
        return [*sentences, *_services(self._settings)]

    def _model_of(self, rules: PlaceRules) -> str | None:
        """Return where answers are written, ``None`` for this machine."""
        llm = self._settings.llm
        _, at, endpoint = (rules.model or llm.model or "").rpartition("@")
        if not (at and endpoint):
            endpoint = self._usual_endpoint()
        return None if endpoint == "embedded" else _ELSEWHERE.get(endpoint, endpoint)

    def _usual_endpoint(self) -> str:
        """Return where models without an endpoint of their own run."""
        settings = self._settings
        if settings.llm.embedded == "always":
            return "embedded"
        if settings.llm.endpoint != "auto":
            return settings.llm.endpoint
        if settings.llm.ollama_host or settings.llm.ollama_hosts:
            return "ollama"
        hosted = {
            "openai": settings.openai,
            "openrouter": settings.openrouter,
            "requesty": settings.requesty,
            "vllm": settings.vllm,
            "llamacpp": settings.llamacpp,
        }
        found = next((kind for kind, one in hosted.items() if switched_on(kind, one)), None)
        return found or ("ollama" if settings.llm.embedded == "never" else "embedded")

    async def _audience(
        self, conversation: ConversationId, memory: MemorySettings
    ) -> Sequence[str]:
        if not memory.enabled:
            return ("Nobody: nothing is recalled beyond the running conversation.",)
        place = await self._scopes.resolve(PLACE, conversation=conversation)
        reach = min(memory.reach, place or memory.reach, key=list(_REACH).index)
        others = (
            "Other characters are reminded of it, too."
            if memory.shared_between_personas
            else "Other characters are not reminded of it, unless they were there."
        )
        return (_REACH[reach], others, "You may choose less for yourself at any time.")


def _kept(rules: PlaceRules, memory: MemorySettings) -> Sequence[str]:
    if not rules.listens:
        rest = "Other messages here are not read."
    elif rules.remember:
        rest = "Other messages here are read and kept as well; the moderators chose that."
    else:
        rest = "Other messages here are read to notice names and words, and are not kept."
    sentences = [
        "What you write to a character, with what you attach, and its answers.",
        rest,
        "What you choose and write about yourself with commands, such as your personas.",
        "What you ask to be kept: reminders, notes, lists, votes, projects, games and stories.",
    ]
    if memory.enabled:
        sentences.append(_LEARNING[memory.learning])
        if memory.summaries:
            sentences.append("Long conversations are summed up.")
        sentences.append("How close you and each character are, as a number.")
    return sentences


def _services(settings: Settings) -> Sequence[str]:
    """Return who outside receives what when a tool or command of theirs is used."""
    sentences = []
    if engines := _engines(settings.search):
        sentences.append(
            f"When something is looked up, what is searched for is sent to {' or '.join(engines)}; "
            "pages are fetched from their own servers. Nothing else of the conversation goes there."
        )
    lookups = settings.lookups
    sentences.append(
        f"For the weather, the name of the town is sent to {_host(lookups.geocoding_url)} and its "
        f"position to {_host(lookups.weather_url)}."
    )
    servers = [name for name, one in settings.mcp.servers.items() if one.enabled]
    if servers:
        sentences.append(
            "Characters may ask these tool servers for what you want, and send them what they "
            f"need for it; the owner chose the tool servers: {', '.join(servers)}."
        )
    if settings.github.token is not None:
        sentences.append("What you have a character read or do on GitHub is sent there.")
    if settings.images.vision_model is not None:
        sentences.append(
            "A further language model describes attached pictures where the one that answers "
            "cannot see them."
        )
    if settings.images.engine != "none":
        made_by = _PICTURES[settings.images.engine]
        sentences.append(f"The description of a picture that is to be made is sent to {made_by}.")
    return sentences


def _engines(search: SearchSettings) -> Sequence[str]:
    """Return the search engines that are set up, in the order they are asked."""
    known = {"ddgs": "public search engines (ddgs)"}
    if search.base_url:
        known["searxng"] = f"the SearXNG server {_host(search.base_url)}"
    if search.api_key is not None:
        known["brave"] = "Brave Search"
    return [known[name] for name in dict.fromkeys(search.engines) if name in known]


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the server of the settings"
