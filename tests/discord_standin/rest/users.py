"""Logging in, users and where the gateway is."""

from __future__ import annotations

from tests.discord_standin import errors
from tests.discord_standin.payloads.users import application_json, self_json, user_json
from tests.discord_standin.rest.routing import Answer, Call, Route


def gateway(call: Call) -> Answer:
    return {"url": call.site.gateway.url}


def gateway_for_bot(call: Call) -> Answer:
    return {
        "url": call.site.gateway.url,
        "shards": call.site.gateway.recommended_shards,
        "session_start_limit": {
            "total": 1000,
            "remaining": 1000 - call.site.gateway.identified,
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    }


def own_user(call: Call) -> Answer:
    return self_json(call.user)


def change_own_user(call: Call) -> Answer:
    call.user.username = call.fields.get("username") or call.user.username
    return self_json(call.user)


def own_application(call: Call) -> Answer:
    return application_json(call.view, call.caller)


def user(call: Call) -> Answer:
    found = call.site.world.users.get(call.id("user_id"))
    if found is None:
        raise errors.unknown_user()
    return user_json(found)


ROUTES = (
    Route("GET", "/gateway", gateway, authorised=False),
    Route("GET", "/gateway/bot", gateway_for_bot),
    Route("GET", "/users/@me", own_user),
    Route("PATCH", "/users/@me", change_own_user),
    Route("GET", "/users/{user_id}", user),
    Route("GET", "/applications/@me", own_application),
    Route("GET", "/oauth2/applications/@me", own_application),
)
