"""Hosted endpoints: address and key, and with ``--live`` whether the key is accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.doctor.endpoints import (
    address_fault,
    default_endpoint,
    hosted_sections,
    on_this_machine,
    wanted_at,
)
from services.doctor.listing import ListingRefused, endpoint_address, listed_models
from services.llm.engines import switched_on
from services.settings import HostedSettings, Settings

_OWN_SERVERS = ("vllm", "llamacpp")
_PLACEHOLDERS = ("changeme", "your", "xxx", "sk-...", "…", "<")
_NONE = "No hosted endpoint is configured."
_MOST_NAMED = 3


def _used(settings: Settings) -> Mapping[str, HostedSettings]:
    default = default_endpoint(settings)
    return {
        name: section
        for name, section in hosted_sections(settings).items()
        if switched_on(name, section) or name == default or wanted_at(settings, name)
    }


async def _hosted(case: Case) -> Found:
    used = _used(case.loaded)
    findings = [each for name, section in used.items() for each in _faults(name, section)]
    if findings:
        return findings
    return fine(f"Configured: {', '.join(used)}.") if used else skipped(_NONE)


def _faults(name: str, section: HostedSettings) -> Iterator[Finding]:
    address, key = section.base_url, _key(section)
    if name in _OWN_SERVERS and not address:
        yield problem(
            f"{name} has no address.",
            fix=f"Set {name}.base_url, such as http://127.0.0.1:8000/v1.",
            cause="settings",
        )
    if address and (fault := address_fault(address)):
        yield problem(
            f"The address of {name}, {address}, {fault}.",
            fix=f"Correct {name}.base_url; it looks like https://example.org/v1.",
            cause="settings",
        )
        return
    elsewhere = address is None or not on_this_machine(address)
    if not key and name not in _OWN_SERVERS and elsewhere and not _own_address(name, section):
        yield problem(
            f"{name} has no key.",
            fix=f"Write {_variable(name)}=… into .env.",
            cause="settings",
        )
    if key and _unlikely(key):
        yield problem(
            f"The key of {name} is not a key: it is a placeholder, or has spaces or quotes in it.",
            fix=f"Write the real key as {_variable(name)}=… into .env.",
            cause="settings",
        )
    if key and address and address.startswith("http://") and elsewhere:
        yield warning(
            f"The key of {name} goes over the network unencrypted.",
            fix=f"Begin {name}.base_url with https://.",
            cause="settings",
        )


async def _accepted(case: Case) -> Found:
    settings = case.loaded
    used = _used(settings)
    findings = [await _tried(name, section, settings) for name, section in used.items()]
    return findings or skipped(_NONE)


async def _tried(name: str, section: HostedSettings, settings: Settings) -> Finding:
    address = endpoint_address(name, section.base_url)
    if address is None or address_fault(address):
        return skipped(f"{name} has no usable address.")
    try:
        models = await listed_models(address, _key(section), validated=name == "openrouter")
    except ListingRefused as refused:
        return _refusal(name, refused)
    missing = [model for model in _wanted(name, section, settings) if model not in models]
    if missing and models:
        return warning(
            f"{name} answers, but does not list {', '.join(missing)}.",
            fix=f"Check its spelling; there are {_some(models)}.",
            cause="settings",
        )
    return fine(f"{name} accepts the key and lists {len(models)} models.")


def _wanted(name: str, section: HostedSettings, settings: Settings) -> Sequence[str]:
    return wanted_at(settings, name) or ([section.model] if section.model else [])


def _refusal(name: str, refused: ListingRefused) -> Finding:
    if refused.status in (401, 403):
        return problem(
            f"{name} refuses the key (status {refused.status}).",
            fix=f"Make a new key on its site and write {_variable(name)}=… into .env.",
            cause="settings",
        )
    if refused.status is None:
        return problem(
            f"{name} does not answer.",
            fix=f"Check the network and {name}.base_url.",
            cause="dependency",
        )
    if refused.status in (200, 404):
        return problem(
            f"{name} does not answer as an OpenAI-compatible API does.",
            fix=f"Check {name}.base_url; most end in /v1.",
            cause="settings",
        )
    return problem(
        f"{name} answers with status {refused.status}.",
        fix="Try again later; its status page may say more.",
        cause="dependency",
    )


def _key(section: HostedSettings) -> str:
    return "" if section.api_key is None else section.api_key.get_secret_value()


def _own_address(name: str, section: HostedSettings) -> bool:
    """Tell whether somebody pointed ``openai`` at a server of their own, which may need no key."""
    return name == "openai" and section.base_url is not None


def _unlikely(key: str) -> bool:
    lowered = key.lower()
    odd = any(letter.isspace() or letter in "\"'" or not letter.isascii() for letter in key)
    return odd or any(lowered.startswith(placeholder) for placeholder in _PLACEHOLDERS)


def _variable(name: str) -> str:
    return f"ACORE_{name.upper()}__API_KEY"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")


CHECKS = (
    Check(name="hosted", area="model", examine=_hosted),
    Check(name="hosted_key", area="model", examine=_accepted, live=True, seconds=60.0),
)
