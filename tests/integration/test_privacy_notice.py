"""The privacy notice says what the settings do, and nothing else."""

from __future__ import annotations

import pytest

from services.domain.ids import ConversationId
from services.domain.people import Role
from services.housekeeping.privacy_notice import PrivacyNotice
from services.housekeeping.retention import RETENTION_DAYS
from services.people.scopes import Asker, Scope
from tests.fakes.app import SAM, opened_app
from tests.fakes.scripted_model import ScriptedModel

pytestmark = pytest.mark.integration

PLACE = ConversationId("discord", "1", "2")


async def notice(app):
    factory = app.factory
    made = PrivacyNotice(
        factory.settings(),
        viewers=factory.viewers(),
        places=factory.places(),
        scopes=factory.scopes(),
    )
    return " ".join(sentence for part in await made.of(PLACE) for sentence in part.sentences)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"llm": {"endpoint": "openrouter"}}, "sent to OpenRouter"),
        ({"llm": {"ollama_host": "http://127.0.0.1:1"}}, "the Ollama server of this"),
        ({"requesty": {"api_key": "k"}}, "sent to Requesty"),
        ({"llm": {"model": "m@openai"}}, "sent to OpenAI"),
        ({"llm": {"embedded": "always"}, "openai": {"api_key": "k"}}, "written on that machine"),
        ({"llm": {}}, "written on that machine"),
        ({"moderation": {"model": "guard"}}, "judges"),
        ({"memory": {"embedder": "none", "reach": "everywhere"}}, "wherever you talk"),
        ({"memory": {"embedder": "none", "shared_between_personas": True}}, "are reminded of it,"),
        ({"memory": {"enabled": False}}, "Nobody: nothing is recalled"),
        ({"memory": {"embedder": "none", "learning": "rules"}}, "learn facts about you"),
        ({"memory": {"embedder": "none", "retention_days": 9}}, "forgotten after 9 days"),
        ({"logging": {"log_content": True}}, "Logs may hold message text"),
        ({"discord": {"listen": "everywhere"}}, "read to notice names"),
        ({"discord": {"listen": "asked"}}, "Other messages here are not read."),
        ({}, "searched for is sent to public search engines (ddgs)"),
        ({"search": {"api_key": "k"}}, "is sent to Brave Search or public search engines (ddgs)"),
        (
            {"search": {"engines": ["searxng"], "base_url": "https://find.example/x"}},
            "is sent to the SearXNG server find.example;",
        ),
        ({}, "the town is sent to geocoding-api.open-meteo.com and its position to api.open-meteo"),
        ({"mcp": {"servers": {"shop": {"url": "https://s.example"}}}}, "tool servers: shop."),
        ({"github": {"token": "t"}}, "on GitHub is sent there"),
        ({"images": {"engine": "comfyui", "base_url": "http://127.0.0.1:1"}}, "sent to ComfyUI"),
    ],
)
async def test_sentence_follows_from_the_setting(tmp_path, sections, said):
    async with opened_app(tmp_path, ScriptedModel(), **sections) as app:
        assert said in await notice(app)


@pytest.mark.parametrize(
    ("sections", "unsaid"),
    [
        ({"search": {"engines": []}}, "searched for"),
        ({"search": {"engines": ["brave"]}}, "searched for"),
        ({}, "tool servers"),
        (
            {"mcp": {"servers": {"shop": {"url": "https://s.example", "enabled": False}}}},
            "tool servers",
        ),
        ({}, "GitHub"),
        ({}, "picture that is to be made"),
    ],
)
async def test_nobody_is_named_who_receives_nothing(tmp_path, sections, unsaid):
    async with opened_app(tmp_path, ScriptedModel(), **sections) as app:
        assert unsaid not in await notice(app)


async def test_retention_nobody_carries_out_is_not_promised(tmp_path):
    memory = {"embedder": "none", "retention_days": 9}
    async with opened_app(
        tmp_path, ScriptedModel(), memory=memory, housekeeping={"enabled": False}
    ) as app:
        assert "until you have them forgotten" in await notice(app)


async def test_place_that_keeps_less_says_so(tmp_path):
    async with opened_app(tmp_path, ScriptedModel()) as app:
        assert "until you have them forgotten" in await notice(app)
        asker = Asker(account=SAM.id, role=Role.OWNER)
        scopes = app.factory.scopes()
        await scopes.set(RETENTION_DAYS, Scope.channel(PLACE), 3.0, asker=asker)
        assert "forgotten after 3 days" in await notice(app)
