"""Keeps secrets out of what is written: known values, and what looks like a key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from pydantic import BaseModel, SecretStr

HIDDEN = "[hidden]"

_SHORTEST_SECRET = 4
_SHORTEST_GUESS = 8  # shorter values of variables with a telling name are ordinary words
_TELLING_NAME = re.compile(r"(?i)TOKEN|KEY|SECRET|PASSWORD|PASSWD")
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|bot)\s+[\w.~+/=-]{16,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<![\w-])[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,45}(?![\w-])"), HIDDEN),
    (re.compile(r"(?<![\w-])(?:sk|pk|rk)-[\w-]{16,}"), HIDDEN),
    (re.compile(r"(?<=://)[^\s/@\"']+(?=@)"), HIDDEN),
    (re.compile(r"(?i)(/api/(?:v\d+/)?webhooks/)[\w-]+/[\w-]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)(hooks\.slack\.com/services/)[\w/-]+"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(?i)([?&](?:api[_-]?key|key|\w*token|secret|password)=)[^\s&\"']+"),
        rf"\1{HIDDEN}",
    ),
)


class Redactor:
    """Replaces secrets in finished lines; safe to use from several threads."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    @property
    def known(self) -> frozenset[str]:
        """What is hidden because it was named, in every form it may take."""
        return self._secrets

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide ``secrets`` as well from now on; those known before stay hidden."""
        self._secrets |= frozenset(form for secret in secrets for form in _forms(secret))
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def redact(self, text: str) -> str:
        """Return ``text`` with every secret replaced."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


def secret_values(settings: BaseModel, *environments: Mapping[str, str]) -> Iterator[str]:
    """Yield every secret among ``settings`` and each variable whose name tells that it holds one.

    Values too short to be one are left out: they would hide ordinary words.
    """
    for secret in _secrets_in(settings):
        if len(secret) >= _SHORTEST_SECRET:
            yield secret
    for environment in environments:
        for name, text in environment.items():
            if len(text) >= _SHORTEST_GUESS and _TELLING_NAME.search(name):
                yield text


def _secrets_in(value: object) -> Iterator[str]:
    """Yield every secret of a value, however deep it lies in sections and tables."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel | Mapping):
        for part in dict(value).values():
            yield from _secrets_in(part)


def _forms(secret: str) -> Iterator[str]:
    """Yield ``secret`` as it stands in text, in JSON, in a traceback and in an address."""
    for form in (secret, secret.strip()):
        if form:
            yield form
            yield json.dumps(form)[1:-1]
            yield json.dumps(form, ensure_ascii=False)[1:-1]
            yield repr(form)[1:-1]
            yield quote(form, safe="")
