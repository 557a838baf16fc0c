"""Holds requests and answers to Discord's own OpenAPI document, strictly.

Unknown keys and missing required fields are problems. What discord.py sends although the document
does not know it, and the live API takes, is forgiven: ``embeds[].flags``, ``tts`` where a message
is edited, ``nsfw`` in commands, integer ids in ``message_reference``, ``recipient_id`` and
``attachments[].id``; where guilds are run, integer ids and a repeated id in overwrites, permissions
as strings, and bans without a body. Posts in forums add to these: ``use_nested_fields`` in the
query, ``type`` beside the post, ``tts`` in it, and the post as ``message`` in the answer, where
discord.py reads it. To discord.js, and to it alone, are forgiven besides: ``enforce_nonce`` and
``username`` where they mean nothing, ``type`` where a thread grows out of a message, and an empty
``components`` beside an answer's text.

The document is corrected in one place: the codes inside ``errors`` are words, as in
https://discord.com/developers/docs/reference#error-messages.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

from tests.discord_standin.payloads.view import Json

_OPEN, _CLOSED = "#/open/", "#/closed/"
_SCHEMAS = "#/components/schemas/"
_WORDED_ERROR: Json = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    "required": ["code", "message"],
}
_DISCORD_JS = "https://discord.js.org"
_BANNING = "/guilds/{guild_id}/bans/{user_id}"
_POSTING = "/channels/{channel_id}/threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer; ``body`` and ``answer`` are None where there was none.

    ``agent`` is the User-Agent of who asked.
    """

    method: str
    template: str
    path: str
    query: dict[str, str]
    content_type: str
    body: Any
    status: int
    answer: Any
    agent: str = ""


class Contract:
    """Discord's document, ready to judge exchanges."""

    def __init__(self, document: Json) -> None:
        self._document = document
        schemas = copy.deepcopy(document["components"]["schemas"])
        schemas["InnerErrors"]["properties"]["_errors"]["items"] = _WORDED_ERROR
        schemas["CreatedThreadResponse"]["properties"]["message"] = {
            "$ref": _SCHEMAS + "MessageResponse"
        }
        self._definitions = {
            "open": {name: _strict(schema, closed=False) for name, schema in schemas.items()},
            "closed": {name: _strict(schema, closed=True) for name, schema in schemas.items()},
        }
        self._validators: dict[str, Draft202012Validator] = {}

    @classmethod
    def read(cls, path: Path) -> Contract:
        """Read the document from a file."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def problems_of(self, exchange: Exchange) -> list[str]:
        """Return what is wrong with an exchange, one sentence each."""
        operation = self._document["paths"].get(exchange.template, {}).get(exchange.method.lower())
        where = f"{exchange.method} {exchange.template}"
        if operation is None:
            return [f"{where}: no such operation"]
        problems = [
            *self._of_query(operation, exchange),
            *self._of_request(operation, exchange),
            *self._of_answer(operation, exchange),
        ]
        return [f"{where}: {problem}" for problem in problems]

    def _of_query(self, operation: Json, exchange: Exchange) -> list[str]:
        known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        if exchange.template == _POSTING:
            known.add("use_nested_fields")
        if exchange.template == _BANNING:
            known.add("delete_message_seconds")
        return [f"unknown parameter {name}" for name in exchange.query if name not in known]

    def _of_request(self, operation: Json, exchange: Exchange) -> list[str]:
        kinds = operation.get("requestBody", {}).get("content", {})
        if exchange.body is None:
            required = operation.get("requestBody", {}).get("required", False)
            forgiven_anyway = exchange.template == _BANNING or exchange.status >= 400
            return ["no body"] if required and not forgiven_anyway else []
        if exchange.status >= 400:
            return []  # what is refused need not be well-formed
        if exchange.content_type not in kinds:
            return [f"a body of type {exchange.content_type}"]
        schema = kinds[exchange.content_type]["schema"]
        key = f"{exchange.method} {exchange.template} {exchange.content_type}"
        return self._judge(key, schema, forgiven(exchange), "request")

    def _of_answer(self, operation: Json, exchange: Exchange) -> list[str]:
        answers = operation["responses"]
        family = f"{exchange.status // 100}XX"
        if family == "5XX":
            return []
        found = answers.get(str(exchange.status)) or answers.get(family)
        if found is None:
            return [f"status {exchange.status} is not documented"]
        if "$ref" in found:
            name = found["$ref"].rpartition("/")[2]
            found = self._document["components"]["responses"][name]
        content = found.get("content")
        if not content:
            return ["an answer where none is documented"] if exchange.answer is not None else []
        key = f"{exchange.method} {exchange.template} {exchange.status}"
        return self._judge(key, content["application/json"]["schema"], exchange.answer, "answer")

    def _judge(self, key: str, schema: Json, value: Any, part: str) -> list[str]:
        validator = self._validators.get(key)
        if validator is None:
            root = _strict(schema, closed=True) | self._definitions
            validator = self._validators[key] = Draft202012Validator(root)
        worst = best_match(validator.iter_errors(value))
        if worst is None:
            return []
        place = "/".join(str(step) for step in worst.absolute_path) or "top"
        return [f"{part} at {place}: {worst.message[:300]}"]


def forgiven(exchange: Exchange) -> Any:
    """Return the request without what the live API takes beyond its document."""
    body = copy.deepcopy(exchange.body)
    if isinstance(body, list):
        for each in body:
            each.pop("nsfw", None)
        return body
    if exchange.template.endswith(("/commands", "/commands/{command_id}")):
        body.pop("nsfw", None)
    is_update = exchange.template.endswith("/callback") and body.get("type") == 7
    without_tts = exchange.method == "PATCH" or is_update or exchange.template == _POSTING
    for message in (body, body.get("data"), body.get("message")):
        if isinstance(message, dict):
            _forgive_message(message, without_tts=without_tts)
            if _DISCORD_JS in exchange.agent:
                _forgive_discord_js(exchange, message)
    if exchange.template == _POSTING and "message" in body:
        body.pop("type", None)
    _forgive_keeping(exchange, body)
    if "recipient_id" in body:
        body["recipient_id"] = str(body["recipient_id"])
    return body


def _forgive_message(message: Json, *, without_tts: bool) -> None:
    for embed in message.get("embeds") or ():
        embed.pop("flags", None)
    for attachment in message.get("attachments") or ():
        attachment["id"] = str(attachment["id"])
    reference = message.get("message_reference") or {}
    for key, value in reference.items():
        if key.endswith("_id") and isinstance(value, int):
            reference[key] = str(value)
    if without_tts:
        message.pop("tts", None)


def _forgive_keeping(exchange: Exchange, body: Json) -> None:
    if exchange.template.endswith("/permissions/{overwrite_id}"):
        body.pop("id", None)
        for key in ("allow", "deny"):
            body[key] = int(body.get(key) or 0)
    for overwrite in body.get("permission_overwrites") or ():
        overwrite["id"] = str(overwrite["id"])
    if "/roles" in exchange.template and isinstance(body.get("permissions"), str):
        body["permissions"] = int(body["permissions"])


def _forgive_discord_js(exchange: Exchange, message: Json) -> None:
    if not message.get("enforce_nonce"):
        message.pop("enforce_nonce", None)
    if exchange.method == "PATCH" and exchange.template.startswith("/webhooks/"):
        message.pop("username", None)
    if exchange.template.endswith("/messages/{message_id}/threads"):
        message.pop("type", None)
    if message.get("components") == [] and message.get("content"):
        del message["components"]


def _strict(schema: Any, *, closed: bool) -> Any:
    """Return a copy that knows no other keys; parts of an ``allOf`` stay open to each other."""
    if isinstance(schema, list):
        return [_strict(each, closed=closed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict: Json = {}
    for key, value in schema.items():
        if key == "$ref":
            strict[key] = value.replace(_SCHEMAS, _CLOSED if closed else _OPEN)
        elif key in ("oneOf", "anyOf"):
            # Discord's alternatives overlap, so that more than one may fit.
            strict["anyOf"] = _strict(value, closed=closed)
        elif key == "allOf":
            strict[key] = _strict(value, closed=False)
        elif key == "properties":
            strict[key] = {name: _strict(each, closed=True) for name, each in value.items()}
        elif key in ("items", "additionalProperties"):
            strict[key] = _strict(value, closed=True)
        else:
            strict[key] = value
    grows = "properties" in schema or "allOf" in schema or schema.get("type") == "object"
    if closed and grows and "additionalProperties" not in schema:
        strict["unevaluatedProperties"] = False
    return strict
