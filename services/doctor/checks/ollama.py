"""Ollama: its address, whether it answers, the chosen model and its context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import aiohttp

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.doctor.endpoints import (
    OLLAMA,
    address_fault,
    default_endpoint,
    ollama_hosts,
    on_this_machine,
    wanted_at,
)
from services.settings import Settings

_SECONDS = 3.0
_NONE = "No Ollama server is configured."
_MOST_NAMED = 3


class _NotOllama(Exception):  # noqa: N818
    """Something else answers at the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """What a server said: its models by name, those loaded, what it knows of wanted ones."""

    host: str
    version: str
    present: Sequence[str]
    running: Mapping[str, Mapping[str, object]]
    shown: Mapping[str, Mapping[str, object]]

    def has(self, name: str) -> bool:
        return name in self.present or f"{name}:latest" in self.present


async def _ollama(case: Case) -> Found:
    settings = case.loaded
    hosts = ollama_hosts(settings)
    if not hosts:
        return skipped(_NONE)
    findings: list[Finding] = []
    servers: list[_Server] = []
    for host in hosts:
        asked = await _asked(host, wanted_at(settings, OLLAMA))
        if isinstance(asked, Finding):
            findings.append(asked)
            continue
        servers.append(asked)
        models = f"{len(asked.present)} model{'' if len(asked.present) == 1 else 's'}"
        findings.append(fine(f"Ollama {asked.version} answers at {asked.host} and has {models}."))
    if not servers:
        return findings
    if len(findings) > len(servers):  # another one stands in for those that do not answer
        findings = [
            replace(each, status="warning") if each.status == "problem" else each
            for each in findings
        ]
    for server in servers[:1]:
        findings += _named("ollama_model", _models(server, settings))
        findings += _named("ollama_context", _contexts(server, settings))
    return findings


async def _asked(host: str, wanted: Sequence[str]) -> _Server | Finding:
    if fault := address_fault(host):
        return problem(
            f"The address of Ollama, {host}, {fault}.",
            fix="Correct OLLAMA_HOST; it looks like http://127.0.0.1:11434.",
            cause="settings",
        )
    try:
        return await _answered(host, wanted)
    except _NotOllama:
        return problem(
            f"What answers at {host} is not an Ollama server.",
            fix="Correct OLLAMA_HOST, or start Ollama there instead.",
            cause="dependency",
        )
    except (aiohttp.ClientError, OSError, TimeoutError):
        return problem(
            f"Ollama at {host} does not answer.",
            fix="Start it (`ollama serve`), or correct OLLAMA_HOST.",
            cause="dependency",
        )


async def _answered(host: str, wanted: Sequence[str]) -> _Server:
    host = host.rstrip("/")
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(
        timeout=timeout, trust_env=not on_this_machine(host)
    ) as session:
        present = _entries(await _json(session.get(f"{host}/api/tags")))
        running = _entries(await _json(session.get(f"{host}/api/ps")))
        shown = {}
        for name in wanted:
            async with session.post(f"{host}/api/show", json={"model": name}) as response:
                if response.status == 200:
                    shown[name] = _mapping(await response.json(content_type=None))
        return _Server(
            host=host,
            version=await _version(session, host),
            present=list(present),
            running=running,
            shown=shown,
        )


async def _json(
    request: aiohttp.client._RequestContextManager,
) -> Mapping[str, object]:
    async with request as response:
        if response.status != 200:
            raise _NotOllama
        try:
            return _mapping(await response.json(content_type=None))
        except ValueError as error:
            raise _NotOllama from error


async def _version(session: aiohttp.ClientSession, host: str) -> str:
    try:
        return str((await _json(session.get(f"{host}/api/version"))).get("version", ""))
    except _NotOllama:
        return "of unknown version"


def _entries(answer: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    listed = answer.get("models")
    if not isinstance(listed, list):
        raise _NotOllama
    entries = [_mapping(each) for each in listed]
    return {str(each.get("model") or each.get("name")): each for each in entries}


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _NotOllama
    return value


def _models(server: _Server, settings: Settings) -> Iterator[Finding]:
    wanted = wanted_at(settings, OLLAMA)
    for name in wanted:
        if not server.has(name):
            yield problem(
                f"The model {name} is not on the Ollama server.",
                fix=f"Run `main.py model pull {name}`, or choose one that is there: "
                f"{_some(server.present)}.",
                cause="dependency",
            )
        elif not _can(server, name, "completion"):
            yield problem(
                f"The model {name} cannot chat.",
                fix=f"Set llm.model to another: {_some(server.present)}.",
                cause="settings",
            )
        elif not _can(server, name, "tools"):
            yield warning(
                f"The model {name} has no tools of its own; acore describes them in words, which "
                "works less well.",
                fix="Choose a model that ollama.com/library lists under tools.",
                cause="dependency",
            )
        else:
            yield fine(f"The model {name} is there.")
    if not wanted and default_endpoint(settings) == OLLAMA:
        if server.present:
            yield fine("No model is chosen; one that is there answers.")
        else:
            yield problem(
                "The Ollama server has no models.",
                fix="Run `main.py model pull llama3.2`, or name another.",
                cause="dependency",
            )


def _contexts(server: _Server, settings: Settings) -> Iterator[Finding]:
    num_ctx = settings.llm.num_ctx
    for name, shown in server.shown.items():
        trained = _trained(shown)
        if trained and num_ctx > trained:
            yield warning(
                f"llm.num_ctx is {num_ctx}, but {name} was trained for {trained} tokens; acore "
                f"uses {trained}.",
                fix=f"Set llm.num_ctx to {trained} or less.",
                cause="settings",
            )
        elif trained:
            yield fine(f"{num_ctx} tokens of context fit {name}, trained for {trained}.")
        yield from _loaded(name, server, min(num_ctx, trained or num_ctx))


def _loaded(name: str, server: _Server, num_ctx: int) -> Iterator[Finding]:
    running = server.running.get(name) or server.running.get(f"{name}:latest")
    if running is None:
        return
    held = running.get("context_length")
    if isinstance(held, int) and held and held != num_ctx:
        yield warning(
            f"{name} is loaded with {held} tokens of context instead of {num_ctx}; the first "
            "answer loads it again.",
            fix=f"Nothing, unless another program keeps loading it; then set llm.num_ctx to "
            f"{held}.",
            cause="settings",
        )
    size, on_gpu = running.get("size"), running.get("size_vram")
    if isinstance(size, int) and isinstance(on_gpu, int) and 0 < on_gpu < size:
        yield warning(
            f"Only {on_gpu * 100 // size} % of {name} is on the GPU, so it is slow.",
            fix="Take a smaller model, or lower llm.num_ctx.",
            cause="dependency",
        )


def _trained(shown: Mapping[str, object]) -> int:
    info = shown.get("model_info")
    lengths = [
        value
        for key, value in (info.items() if isinstance(info, dict) else ())
        if key.endswith(".context_length") and isinstance(value, int)
    ]
    return min(lengths, default=0)


def _can(server: _Server, name: str, ability: str) -> bool:
    """Older servers do not say what a model can; then it is taken to."""
    abilities = server.shown.get(name, {}).get("capabilities")
    return ability in abilities if isinstance(abilities, list) else True


def _some(names: Sequence[str]) -> str:
    if not names:
        return "there is none yet"
    return ", ".join(names[:_MOST_NAMED]) + (" …" if len(names) > _MOST_NAMED else "")


def _named(check: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    return (replace(finding, check=check) for finding in findings)


CHECKS = (Check(name="ollama", area="model", examine=_ollama, seconds=30.0),)
