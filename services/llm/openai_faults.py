"""The errors of an OpenAI-compatible endpoint, told from what it replied.

What a server writes may repeat keys or messages, so none of it gets into a sentence or a detail:
only its status, and codes and parameter names of a known form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from services.domain.errors import ProviderError, ProviderFault
from services.llm.openai_kinds import kind_of
from services.llm.stream_faults import Endpoint, broken_off, loading

_CODE = re.compile(r"[A-Za-z][A-Za-z_]{0,47}")
_STATUS = range(400, 600)
_NAME = re.compile(r"[\w.\[\]]{1,64}")
_REFUSING = re.compile(
    r"support|unrecogni[sz]ed|unknown|permitted|not allowed|unexpected|extra input|requires|invalid"
)
_UNABLE = re.compile(r"not support|unsupported|that support|requires")
_UNKNOWN_MODEL = re.compile(r"model_not_found|\bmodel\b.*(?:not exist|not found)|not a valid model")
_LOADING = re.compile(r"loading model|model is (?:currently )?(?:being )?load|still loading")
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context|context (?:length|size|window)"
)
_MODERATED = re.compile(r"moderation|flagged|content.?filter|content.?policy")
_QUOTED = "[`'\"]{}[`'\"]"
_PARTS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("stream_options", r"stream_options|include_usage"),
        ("max_completion_tokens", r"max_completion_tokens"),
        ("max_tokens", r"max_tokens"),
        ("top_k", r"\btop_k\b"),
        ("top_p", r"\btop_p\b"),
        ("min_p", r"\bmin_p\b"),
        ("repetition_penalty", r"repetition_penalty"),
        ("repeat_penalty", r"repeat_penalty"),
        ("temperature", r"\btemperature\b"),
        ("seed", _QUOTED.format("seed")),
        ("stop", _QUOTED.format("stop")),
        ("think", r"reasoning|thinking|chat_template_kwargs"),
        ("response_format", r"response_format|json_schema|structured.outputs?|guided|grammar"),
        ("tools", r"\btool(?:s|_choice)?\b|\bfunction.call"),
        ("images", r"\bimages?\b|image_url|\bvision\b|multi-?modal"),
    )
)
_ABILITIES = {"tools", "images"}
_ALIASES = {
    "reasoning_effort": "think",
    "reasoning": "think",
    "chat_template_kwargs": "think",
    "tool_choice": "tools",
    "functions": "tools",
}


class PartRefused(ProviderError):  # noqa: N818
    """The model cannot do something; ``parts`` are what it may be, the likeliest first."""

    def __init__(self, provider: str, user_message: str, *, detail: str, parts: Sequence[str]):  # noqa: ANN204
        super().__init__(provider, ProviderFault.UNSUPPORTED, user_message, detail=detail)
        self.parts = parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """What a server said went wrong; ``text`` is lower case and only ever searched."""

    status: int | None
    code: str = ""
    param: str = ""
    text: str = ""

    @property
    def detail(self) -> str:
        """The part that is safe to write down."""
        known = (str(self.status or ""), self.code, self.param if self.parts else "")
        return " ".join(filter(None, known))

    @property
    def parts(self) -> Sequence[str]:
        """Which parts of the request it may be about, the likeliest first."""
        param = self.param.partition("[")[0].partition(".")[0]
        param = _ALIASES.get(param, param)
        named = [name for name, pattern in _PARTS if pattern.search(self.text)]
        if param in dict(_PARTS):
            return [param, *(name for name in named if name != param)]
        return named if _REFUSING.search(self.text) else ()

    @property
    def abilities(self) -> Sequence[str]:
        """Which abilities of the model are clearly said to be missing, whatever the status."""
        named = [part for part in self.parts if part in _ABILITIES]
        return named if _UNABLE.search(self.text) else ()


def read_error(status: int | None, body: object) -> ErrorReply:
    """Read an error from a reply's body or from a piece of a stream."""
    if isinstance(body, bytes):
        text = body.decode(errors="replace")
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            return ErrorReply(status=status, text=text.lower())
    error = body.get("error", body) if isinstance(body, Mapping) else body
    fields = error if isinstance(error, Mapping) else {}
    code = fields.get("code")
    if status is None and isinstance(code, int) and code in _STATUS:
        status = code
    names = (value for value in (code, fields.get("type")) if isinstance(value, str))
    param = fields.get("param")
    return ErrorReply(
        status=status,
        code=next((name for name in names if _CODE.fullmatch(name)), ""),
        param=param if isinstance(param, str) and _NAME.fullmatch(param) else "",
        text=json.dumps(error, ensure_ascii=False).lower(),
    )


def reply_error(
    endpoint: Endpoint, model: str | None, reply: ErrorReply, *, retry_after: float | None = None
) -> ProviderError:
    """Return the error that a reply means."""
    status = reply.status or _status_of(reply.code)
    if status is None:
        return broken_off(endpoint, f"error in the stream {reply.detail}".strip())
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return _for_now(endpoint, model, reply, status, retry_after)
    return _refusal(endpoint, model, reply, status)


def _status_of(code: str) -> HTTPStatus | None:
    """Return the status that a code in a stream stands for."""
    if "rate_limit" in code or "overloaded" in code:
        return HTTPStatus.TOO_MANY_REQUESTS
    if "context" in code or code == "invalid_request_error":
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.BAD_GATEWAY if code == "server_error" else None


def _for_now(
    endpoint: Endpoint, model: str | None, reply: ErrorReply, status: int, wait: float | None
) -> ProviderError:
    title = kind_of(endpoint.provider).title
    if status != HTTPStatus.TOO_MANY_REQUESTS and _LOADING.search(reply.text):
        return loading(endpoint, model, reply.detail, retry_after=wait)
    failing = status in (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.NOT_IMPLEMENTED)
    if failing and reply.abilities:
        return _cannot(endpoint, model, reply, reply.abilities)
    if status == HTTPStatus.TOO_MANY_REQUESTS and reply.code == "insufficient_quota":
        return _rejected(endpoint, reply, _no_credit(title))
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, 529):
        fault = ProviderFault.OVERLOADED
        sentence = f"{title} cannot take more requests now; try again in a moment."
    else:
        fault = ProviderFault.SERVER_ERROR
        sentence = f"{title} failed to answer; try again, or choose another model."
    return ProviderError(endpoint.provider, fault, sentence, detail=reply.detail, retry_after=wait)


def _refusal(
    endpoint: Endpoint, model: str | None, reply: ErrorReply, status: int
) -> ProviderError:
    kind = kind_of(endpoint.provider)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        if status == HTTPStatus.FORBIDDEN and _MODERATED.search(reply.text):
            return filtered(endpoint, reply.detail)
        return unauthorized(endpoint, reply.detail)
    if status == HTTPStatus.PAYMENT_REQUIRED:
        return _rejected(endpoint, reply, _no_credit(kind.title))
    if status == HTTPStatus.NOT_FOUND:
        return _not_found(endpoint, model, reply)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        sentence = f"{kind.title} gave up waiting for the model {model}; try again."
        return ProviderError(
            endpoint.provider, ProviderFault.TIMEOUT, sentence, detail=reply.detail
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _TOO_LONG.search(reply.text):
        return _rejected(
            endpoint,
            reply,
            f"The prompt is longer than {model} takes; lower {kind.prefix}CONTEXT_TOKENS.",
        )
    if _UNKNOWN_MODEL.search(reply.text):
        return missing(endpoint, model, reply.detail)
    if reply.parts:
        return _cannot(endpoint, model, reply, reply.parts)
    return _rejected(
        endpoint,
        reply,
        f"{kind.title} refused the request ({reply.detail}); check the model's settings.",
    )


def _not_found(endpoint: Endpoint, model: str | None, reply: ErrorReply) -> ProviderError:
    if reply.abilities:
        return _cannot(endpoint, model, reply, reply.abilities)
    if re.search(r"\bmodels?\b|no endpoints", reply.text) and "<html" not in reply.text:
        return missing(endpoint, model, reply.detail)
    kind = kind_of(endpoint.provider)
    return _rejected(
        endpoint,
        reply,
        f"What answers at {endpoint.host} is not the API of {kind.title}; correct "
        f"{kind.address_variable}, which usually ends in /v1.",
    )


def _cannot(
    endpoint: Endpoint, model: str | None, reply: ErrorReply, parts: Sequence[str]
) -> ProviderError:
    sentence = f"The model {model} cannot do this ({parts[0]}); choose another model."
    return PartRefused(endpoint.provider, sentence, detail=reply.detail, parts=parts)


def _rejected(endpoint: Endpoint, reply: ErrorReply, sentence: str) -> ProviderError:
    return ProviderError(endpoint.provider, ProviderFault.REJECTED, sentence, detail=reply.detail)


def _no_credit(title: str) -> str:
    return f"There is no credit left at {title}; add some there, or choose another endpoint."


def unauthorized(endpoint: Endpoint, detail: str = "") -> ProviderError:
    """Return the error for a key that is missing or wrong."""
    kind = kind_of(endpoint.provider)
    return ProviderError(
        endpoint.provider,
        ProviderFault.UNAUTHORIZED,
        f"{kind.title} does not accept the key; set {kind.key_variable} to a valid one.",
        detail=detail,
    )


def missing(endpoint: Endpoint, model: str | None, detail: str = "") -> ProviderError:
    """Return the error for a model that the endpoint has not, or for none being named."""
    kind = kind_of(endpoint.provider)
    if model is None and kind.takes_first:
        sentence = f"{kind.title} at {endpoint.host} has no model; start it with one."
    elif model is None:
        sentence = f"No model is named for {kind.title}; set {kind.prefix}MODEL."
    else:
        sentence = f"{kind.title} has no model {model}; `main.py model list` shows what there is."
    return ProviderError(endpoint.provider, ProviderFault.MODEL_MISSING, sentence, detail=detail)


def unreachable(endpoint: Endpoint, why: str, detail: str = "") -> ProviderError:
    """Return the error for an endpoint that does not answer; ``why`` continues its name."""
    kind = kind_of(endpoint.provider)
    return ProviderError(
        endpoint.provider,
        ProviderFault.UNREACHABLE,
        f"{kind.title} at {endpoint.host} {why}; check the network and {kind.address_variable}.",
        detail=detail,
    )


def malformed(endpoint: Endpoint, detail: str) -> ProviderError:
    """Return the error for an answer that is not understood."""
    kind = kind_of(endpoint.provider)
    return ProviderError(
        endpoint.provider,
        ProviderFault.MALFORMED,
        f"What answers at {endpoint.host} is not understood; check that {kind.address_variable} "
        "is the address of an OpenAI-compatible API.",
        detail=detail,
    )


def filtered(endpoint: Endpoint, detail: str = "content_filter") -> ProviderError:
    """Return the error for an answer the provider does not want to give."""
    title = kind_of(endpoint.provider).title
    return ProviderError(
        endpoint.provider,
        ProviderFault.REJECTED,
        f"The content filter of {title} stopped the answer; rephrase, or choose another model.",
        detail=detail,
    )
