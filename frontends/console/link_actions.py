"""The command that makes accounts on several platforms one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from frontends.console.slash import SlashCommand
from frontends.console.views import Report
from services.domain.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from frontends.console.talk import Talk


async def _link(talk: Talk, argument: str) -> None:
    match argument.split():
        case []:
            await _begin(talk)
        case ["confirm"]:
            await _confirm(talk)
        case ["cancel"]:
            await talk.account_links.cancel(talk.author.id)
            _report(talk, ["There is no code any more."], {"cancelled": True})
        case [*parts] if parts[0] not in ("confirm", "cancel"):
            await _claim(talk, "".join(parts))
        case _:
            raise InvalidRequest("link_usage", "Write /link, /link CODE, confirm or cancel.")


async def _begin(talk: Talk) -> None:
    shown = await talk.account_links.begin(talk.author.id)
    lines = [
        f"Your code is {shown.code}; it holds until {shown.expires_at.astimezone():%H:%M}.",
        "Enter it at your other account, then type /link confirm here.",
    ]
    fields = {"code": shown.code, "expires_at": shown.expires_at.isoformat()}
    _report(talk, lines, fields)


async def _claim(talk: Talk, code: str) -> None:
    claim = await talk.account_links.claim(code, talk.author.id)
    lines = [f"That is the code of {claim.name} ({claim.account}); confirm it there now."]
    _report(talk, lines, {"account": str(claim.account), "name": claim.name})


async def _confirm(talk: Talk) -> None:
    claim = await talk.account_links.claimed(talk.author.id)
    if claim is None:
        raise NotFound("link_unclaimed", "No account has entered your code yet.")
    person = await talk.account_links.confirm(talk.author.id, claim.account)
    lines = [f"{claim.name} ({claim.account}) and this account are one person now."]
    _report(talk, lines, {"account": str(claim.account), "name": claim.name, "person": person})


def _report(talk: Talk, lines: list[str], fields: Mapping[str, object]) -> None:
    talk.view.report(Report(kind="link", lines=lines, fields=fields))


LINK_COMMANDS = (
    SlashCommand(
        name="link",
        argument="[CODE|confirm|cancel]",
        summary="Make this and another account of yours one person.",
        perform=_link,
    ),
)
