"""Which model answers, asked step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from frontends.console.asking import Asking
from frontends.console.config_editing import Value
from services.configuration import ALIASES, ollama_address
from services.doctor.endpoints import HOSTED, address_fault, default_endpoint
from services.doctor.listing import (
    OPENAI_ADDRESS,
    ListingRefused,
    listed_models,
    ollama_models,
)
from services.doctor.places import readable_size
from services.domain.errors import ProviderError
from services.llm.embedded.models import ModelStore
from services.llm.engines import DEFAULT_HOST
from services.settings import Settings
from services.settings_schema import setting_fields

if TYPE_CHECKING:
    from services.settings import HostedSettings

_MOST_LISTED = 20
_MODEL_SECTIONS = ("llm", "embedded", *HOSTED)
_SUGGESTED = "llama3.2"
_HOSTED_MODEL = {"openai": "gpt-4o-mini"}
_ROUTED_MODEL = "openai/gpt-4o-mini"
_LABELS = {
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
    "requesty": "Requesty",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What was chosen; ``not_yet`` says why there can be no answer before something is done."""

    values: Mapping[str, Value]
    secrets: Mapping[str, str] = field(default_factory=dict)
    not_yet: str | None = None


def model_variables() -> list[str]:
    """Return every variable that says which model answers."""
    fields = setting_fields(Settings).values()
    known = [each.variable for each in fields if each.section in _MODEL_SECTIONS]
    return known + [
        alias.variable for alias in ALIASES if alias.path.split(".")[0] in _MODEL_SECTIONS
    ]


async def chosen_model(settings: Settings, asking: Asking) -> ModelChoice:
    """Ask where the model runs and which it is; with Enter alone, what is best here."""
    host = settings.llm.ollama_host or DEFAULT_HOST
    models = await _models_at(host)
    here = "" if models is None else f", found at {host} with {_counted(models)}"
    asking.say("Which model shall answer?")
    options = [
        f"Ollama{here}",
        "A service with a key: OpenAI, OpenRouter, Requesty, or another with the same API",
        f"The built-in model{'' if _installed(settings) else ' (not installed yet)'}",
    ]
    default = {"ollama": 0, "embedded": 2}.get(default_endpoint(settings), 1)
    if default == 2 and models:
        default = 0
    match asking.choose("Model from", options, default=default):
        case 0:
            choice = await _ollama(settings, asking, host, models)
        case 1:
            choice = await _hosted(settings, asking)
        case _:
            choice = _embedded(settings)
    return choice


async def _ollama(
    settings: Settings, asking: Asking, host: str, models: Mapping[str, int] | None
) -> ModelChoice:
    while models is None:
        asking.say(f"No Ollama answers at {host}.")
        answer = ollama_address(
            asking.ask("Its address; Enter goes on with this one", default=host)
        )
        if answer == host:
            break
        host, models = answer, await _models_at(answer)
    name, missing = _ollama_model(settings, asking, models or {})
    values: dict[str, Value] = {
        "llm.endpoint": "ollama",
        "llm.ollama_host": host,
        "llm.model": name,
        **_allowing(settings),
    }
    not_yet = None
    if models is None:
        not_yet = "Start Ollama there; until then the built-in model answers if it is installed."
    elif missing:
        not_yet = f"{name} is not there yet; fetch it with: main.py model pull {name}"
    return ModelChoice(values=values, not_yet=not_yet)


def _ollama_model(
    settings: Settings, asking: Asking, models: Mapping[str, int]
) -> tuple[str, bool]:
    present = list(models)[:_MOST_LISTED]
    before = settings.llm.model
    if not present:
        name = asking.ask("Name of the model", default=before or _SUGGESTED)
        return name, True
    options = [f"{name}  {readable_size(models[name]) if models[name] else ''}" for name in present]
    default = present.index(before) if before in present else 0
    asking.say("\nIt has these models:")
    chosen = asking.choose("Model", [*options, "another one, which is fetched"], default=default)
    if chosen < len(present):
        return present[chosen], False
    name = asking.ask("Its name, as on ollama.com/library", default=_SUGGESTED)
    return name, name not in models


async def _hosted(settings: Settings, asking: Asking) -> ModelChoice:
    kinds = [*_LABELS, "openai"]
    options = [*_LABELS.values(), "Another with the same API (vLLM, llama.cpp, LM Studio …)"]
    asking.say("\nWhich service?")
    present = default_endpoint(settings)
    chosen = asking.choose(
        "Service", options, default=kinds.index(present) if present in kinds else 0
    )
    kind = kinds[chosen]
    section: HostedSettings = getattr(settings, kind)
    values: dict[str, Value] = {"llm.endpoint": kind, **_allowing(settings)}
    address = section.base_url or OPENAI_ADDRESS
    if chosen == len(_LABELS):
        address = _address(asking, default=address)
    if address != (section.base_url or OPENAI_ADDRESS):
        values[f"{kind}.base_url"] = address
    key, secrets = _key(asking, kind, section)
    values["llm.model"] = await _hosted_model(settings, asking, kind, address, key)
    return ModelChoice(values=values, secrets=secrets)


def _address(asking: Asking, *, default: str) -> str:
    while True:
        address = asking.ask("Its address, /v1 included", default=default).rstrip("/")
        fault = address_fault(address)
        if fault is None:
            return address
        asking.say(f"That cannot be: it {fault}.")


def _key(asking: Asking, kind: str, section: HostedSettings) -> tuple[str, Mapping[str, str]]:
    before = section.api_key.get_secret_value() if section.api_key is not None else ""
    keep = "; Enter keeps the present one" if before else "; Enter for none"
    while True:
        key = asking.secret(f"Its key{keep}")
        if all(
            letter.isascii() and letter.isprintable() and letter not in " '\"" for letter in key
        ):
            break
        asking.say("That is no key: it has spaces, quotes or letters that keys do not have.")
    if not key or key == before:
        return before, {}
    return key, {setting_fields(Settings)[f"{kind}.api_key"].variable: key}


async def _hosted_model(
    settings: Settings, asking: Asking, kind: str, address: str, key: str
) -> str:
    try:
        names = await listed_models(address, key, validated=kind == "openrouter")
    except ListingRefused as refused:
        refusal = "does not answer" if refused.status is None else f"says {refused.status}"
        asking.say(f"(Its list of models cannot be had: it {refusal}.)")
        names = []
    before = settings.llm.model if default_endpoint(settings) == kind else None
    default = before or getattr(settings, kind).model or _HOSTED_MODEL.get(kind, _ROUTED_MODEL)
    if names and default not in names:
        default = names[0]
    if 0 < len(names) <= _MOST_LISTED:
        asking.say("\nIt has these models:")
        return names[asking.choose("Model", names, default=names.index(default))]
    return _named(asking, names, default=default)


def _named(asking: Asking, names: Sequence[str], *, default: str) -> str:
    while True:
        name = asking.ask("Name of the model", default=default)
        if not names or name in names:
            return name
        like = [each for each in names if name.lower() in each.lower()][:_MOST_LISTED]
        asking.say(f"There is no {name}; {', '.join(like) or f'{len(names)} others are there'}.")


def _embedded(settings: Settings) -> ModelChoice:
    values: dict[str, Value] = {"llm.endpoint": "embedded"}
    if settings.llm.embedded == "never":
        values["llm.embedded"] = "auto"
    not_yet = None
    if not _installed(settings):
        not_yet = "The built-in model is not installed yet; fetch it with: make model"
    return ModelChoice(values=values, not_yet=not_yet)


def _allowing(settings: Settings) -> Mapping[str, Value]:
    """Let another model than the built-in one answer."""
    return {"llm.embedded": "auto"} if settings.llm.embedded == "always" else {}


def _installed(settings: Settings) -> bool:
    try:
        ModelStore(settings.embedded, data=settings.storage.data).find()
    except ProviderError:
        return False
    return True


async def _models_at(host: str) -> Mapping[str, int] | None:
    if address_fault(host):
        return None
    try:
        return await ollama_models(host)
    except ListingRefused:
        return None


def _counted(models: Mapping[str, int]) -> str:
    return f"{len(models)} model{'' if len(models) == 1 else 's'}"
