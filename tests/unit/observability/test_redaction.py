"""No secret is written anywhere, in whatever form it turns up."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from services.observability.redaction import HIDDEN, Redactor, secret_values
from services.settings import OpenAiSettings, Settings, WebSettings

DISCORD = "MTA5" + "x" * 20 + ".G7hJ2k." + "q" * 38


@pytest.mark.parametrize(
    ("leaked", "secret"),
    [
        (DISCORD, DISCORD),
        ("sk-proj-" + "a1B2" * 8, "a1B2"),
        ("sk-or-v1-" + "f" * 40, "ffff"),
        ("Bearer " + "c" * 30, "cccc"),
        ("Authorization: bearer eyJhbGciOi.eyJzdWIi.abc", "eyJ"),
        ("https://sam:hunter22@example.org/v1", "hunter22"),
        ("https://ghostly@example.org/v1", "ghostly"),
        ("https://discord.com/api/v10/webhooks/123456789/" + "w" * 60, "wwww"),
        ("https://discordapp.com/api/webhooks/123456789/" + "w" * 60, "wwww"),
        ("https://hooks.slack.com/services/T00/B00/" + "q" * 24, "qqqq"),
        ("https://example.org/v1?api_key=abcdef&x=1", "abcdef"),
    ],
)
def test_what_looks_like_a_key_is_hidden(leaked: str, secret: str) -> None:
    shown = Redactor().redact(f"calling {leaked} failed")
    assert secret not in shown
    assert HIDDEN in shown
    assert shown.startswith("calling ")
    assert shown.endswith(" failed")


@pytest.mark.parametrize(
    "text",
    [
        "The skeleton-of-a-very-long-name answers.",
        "http://127.0.0.1:11434/api/chat",
        '{"turn": "01JD4Q2V7N8M3K5T6W9XYZABCD", "logger": "services.conversation.runner"}',
        "2026-11-21T15:39:45.731+00:00",
        "sam@example.org wrote to kim@example.org",
    ],
)
def test_what_is_no_key_stays_readable(text: str) -> None:
    assert Redactor().redact(text) == text


@pytest.mark.parametrize("secret", ['pa"ss\\word', "zwölf Äpfel", "two\nlines", "a/b+c=d&e"])
def test_a_secret_is_hidden_in_every_spelling(secret: str) -> None:
    redactor = Redactor([secret])
    for line in (
        secret,
        json.dumps({"trace": secret}),
        json.dumps({"trace": secret}, ensure_ascii=False),
        f"ValueError({secret!r})",
    ):
        shown = redactor.redact(line)
        assert HIDDEN in shown
        assert secret.strip("\n")[-4:] not in shown


def test_a_secret_that_contains_another_is_hidden_whole() -> None:
    shown = Redactor(["abcd1234", "abcd1234-and-more"]).redact("abcd1234-and-more")
    assert shown == HIDDEN


def test_secrets_come_from_the_settings_and_from_telling_variables() -> None:
    settings = Settings(
        web=WebSettings(token=SecretStr("opensesame")),
        openai=OpenAiSettings(api_key=SecretStr("k-1234567")),
    )
    environment = {
        "DISCORD_TOKEN": "discord-token-value",
        "MY_DB_PASSWORD": "correct horse",
        "AWS_SECRET_ACCESS_KEY": "aws-value-1",
        "EDITOR_KEYMAP": "vi",
        "HOME": "/home/somebody",
    }
    assert set(secret_values(settings, environment)) == {
        "opensesame",
        "k-1234567",
        "discord-token-value",
        "correct horse",
        "aws-value-1",
    }
