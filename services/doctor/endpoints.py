"""Which endpoints the settings mean, and whether an address can be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from services.llm.engines import DEFAULT_HOST, switched_on
from services.settings import HostedSettings, Settings

EMBEDDED = "embedded"
OLLAMA = "ollama"
HOSTED = ("openai", "openrouter", "requesty", "vllm", "llamacpp")


def hosted_sections(settings: Settings) -> Mapping[str, HostedSettings]:
    """Return every hosted endpoint's settings by its name."""
    return {name: getattr(settings, name) for name in HOSTED}


def default_endpoint(settings: Settings) -> str:
    """Return where a model without an endpoint runs, as ``llm.endpoint`` describes it."""
    llm = settings.llm
    if llm.embedded == "always":
        return EMBEDDED
    if llm.endpoint != "auto":
        return llm.endpoint
    if llm.ollama_host or llm.ollama_hosts:
        return OLLAMA
    for name, section in hosted_sections(settings).items():
        if switched_on(name, section):
            return name
    return OLLAMA if llm.embedded == "never" else EMBEDDED


def ollama_hosts(settings: Settings) -> list[str]:
    """Return the Ollama servers that may be asked, the first one first."""
    llm = settings.llm
    hosts = [host for host in (llm.ollama_host, *llm.ollama_hosts) if host]
    if not hosts and (default_endpoint(settings) == OLLAMA or wanted_at(settings, OLLAMA)):
        hosts = [DEFAULT_HOST]
    return list(dict.fromkeys(hosts))


def wanted_at(settings: Settings, endpoint: str) -> list[str]:
    """Return the models that the settings want from ``endpoint``, the chosen one first."""
    llm = settings.llm
    named = [llm.model, *llm.fallbacks, llm.thinking_model]
    return list(dict.fromkeys(_names_at(named, endpoint, default_endpoint(settings))))


def _names_at(named: list[str | None], endpoint: str, default: str) -> Iterator[str]:
    for reference in named:
        if not reference:
            continue
        name, separator, at = reference.rpartition("@")
        if separator and at in {EMBEDDED, OLLAMA, *HOSTED}:
            if at == endpoint and name:
                yield name
        elif endpoint == default:
            yield reference


def address_fault(address: str) -> str | None:
    """Say what is wrong with the form of an address, to follow "it"; ``None`` when nothing is."""
    if any(letter.isspace() for letter in address):
        return "has a space in it"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "has a port or host that is none"
    if parts.scheme not in ("http", "https"):
        return "does not begin with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no host" if not parts.hostname else "has a port that is none"
    return None


def on_this_machine(address: str) -> bool:
    """Tell whether the address is one of this machine alone."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
