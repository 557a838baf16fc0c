"""The judge of the stand-in is itself judged: it catches what Discord's document forbids."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from tests.discord_standin.payloads.view import Json
from tests.discord_standin.scene import known_contract, living, scene
from tests.discord_standin.validation import Contract, Exchange


@pytest.fixture
def contract(test_data: Path) -> Contract:
    known = known_contract()
    if known is None:
        pytest.skip(f"no discord-openapi.json in {test_data}: nothing is validated")
    return known


@pytest.fixture
async def exchanges(contract: Contract) -> list[Exchange]:
    """What discord.py and the stand-in say to each other for one rich message."""
    async with scene() as town:
        client = discord.Client(intents=discord.Intents.all(), guild_ready_timeout=0.1)
        async with living(client, town.standin, town.bot):
            question = town.alice.says(town.general, "?")
            embed = discord.Embed(title="t", description="d").add_field(name="n", value="v")
            channel = client.get_partial_messageable(town.general.id)
            await channel.send(
                "rich", embed=embed, reference=channel.get_partial_message(question.id)
            )
        return list(town.standin.api.exchanges)


def _the_message(exchanges: list[Exchange]) -> Exchange:
    return next(each for each in exchanges if each.method == "POST")


def test_real_exchanges_are_clean(contract, exchanges):
    assert len(exchanges) == 3
    assert [problem for each in exchanges for problem in contract.problems_of(each)] == []


def test_every_misspelt_key_of_a_request_is_caught(contract, exchanges):
    exchange = _the_message(exchanges)
    for key in exchange.body:
        body = {f"{name}x" if name == key else name: v for name, v in exchange.body.items()}
        assert contract.problems_of(replace(exchange, body=body)), key
    nested = copy.deepcopy(exchange.body)
    nested["embeds"][0]["titel"] = "t"
    assert contract.problems_of(replace(exchange, body=nested))


def test_every_required_key_missing_from_an_answer_is_caught(contract, exchanges):
    exchange = _the_message(exchanges)
    required = {"id", "author", "content", "attachments", "timestamp", "flags", "pinned", "tts"}
    for key in required:
        answer = {name: value for name, value in exchange.answer.items() if name != key}
        assert contract.problems_of(replace(exchange, answer=answer)), key
    author = {name: v for name, v in exchange.answer["author"].items() if name != "username"}
    assert contract.problems_of(replace(exchange, answer=exchange.answer | {"author": author}))


@pytest.mark.parametrize(
    "change",
    [{"content": 5}, {"pinned": "no"}, {"id": 17}, {"mentions": {}}, {"surprise": True}],
)
def test_wrong_types_and_unknown_keys_of_an_answer_are_caught(contract, exchanges, change: Json):
    exchange = _the_message(exchanges)
    assert contract.problems_of(replace(exchange, answer=exchange.answer | change))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("template", "/channels/{channel_id}/message"),
        ("method", "PUT"),
        ("status", 201),
        ("query", {"wiat": "1"}),
        ("content_type", "text/plain"),
    ],
)
def test_wrong_routes_statuses_and_parameters_are_caught(
    contract, exchanges, field: str, value: Any
):
    changes: dict[str, Any] = {field: value}
    assert contract.problems_of(replace(_the_message(exchanges), **changes))


def test_only_the_known_deviations_are_forgiven(contract, exchanges):
    exchange = _the_message(exchanges)
    assert exchange.body["embeds"][0]["flags"] == 0
    assert isinstance(exchange.body["message_reference"]["message_id"], int)
    wrong = exchange.body | {"message_reference": {"message_id": True}}
    assert contract.problems_of(replace(exchange, body=wrong))
