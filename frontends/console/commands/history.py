"""Take conversations out as files, and chats of SillyTavern or our own in."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.arguments import add_action
from frontends.console.card_files import refuse_taken, write_whole
from frontends.console.card_text import write_text
from frontends.console.identity import conversation_here, person_here
from frontends.console.invocation import Invocation
from frontends.console.wording import printable
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId
from services.domain.people import Author, Role

if TYPE_CHECKING:
    from services.conversation.transcripts.importer import ImportReport

_FORMS = ("json", "sillytavern")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with chats."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = add_action(actions, "export", "write a conversation as a file")
    export.add_argument("--conversation", metavar="ID", help="as platform:scope:channel")
    export.add_argument("--format", choices=_FORMS, default="json", help="form of the file")
    export.add_argument("-o", "--out", type=Path, metavar="FILE", help="new file")
    export.add_argument("--force", action="store_true", help="replace FILE if it is there")
    take_in = add_action(actions, "import", "take a chat in, as imported text")
    take_in.add_argument("file", type=Path, metavar="FILE", help="JSONL of SillyTavern, or JSON")
    take_in.add_argument("--conversation", metavar="ID", help="where to, as platform:scope:channel")
    take_in.add_argument("--as", dest="account", metavar="ACCOUNT", help="who its user is")
    take_in.add_argument("--persona", metavar="NAME", help="who its character is")
    take_in.add_argument("--json", action="store_true", dest="as_json", help="print JSON")


async def execute(call: Invocation) -> int:
    """Write or read the file."""
    if call.arguments.action == "export":
        return await _export(call)
    return await _import(call)


async def _export(call: Invocation) -> int:
    from services.factory import opened_services

    asked = call.arguments
    if asked.out is not None:
        refuse_taken(asked.out, force=asked.force)
    conversation = conversation_here(call.settings, asked.conversation)
    async with opened_services(call.settings) as services:
        text = await services.chat_export().export(
            conversation,
            by=person_here(call.settings).id,
            role=Role.OWNER,
            form="sillytavern" if asked.format == "sillytavern" else "json",
        )
    if asked.out is None:
        write_text(text)
    else:
        write_whole(asked.out, text.encode("utf-8", "replace"))
    return 0


async def _import(call: Invocation) -> int:
    from services.conversation.transcripts.importer import Importer
    from services.factory import opened_services

    asked = call.arguments
    data = await asyncio.to_thread(_read, asked.file)
    author = person_here(call.settings)
    if asked.account is not None:
        account = AuthorId.parse(asked.account)
        author = Author(id=account, display_name=account.user)
    conversation = conversation_here(call.settings, asked.conversation)
    async with opened_services(call.settings) as services:
        persona = None if asked.persona is None else services.library().find(asked.persona).id
        chats = services.chat_import()
        transcript = await asyncio.to_thread(chats.read, data)
        report = await chats.take_in(
            transcript, conversation, by=Importer(author=author, role=Role.OWNER, persona=persona)
        )
    if asked.as_json:
        sys.stdout.write(json.dumps(report.as_json()) + "\n")
    else:
        write_text("".join(f"{printable(line)}\n" for line in import_lines(report)))
    return 0


def import_lines(report: ImportReport) -> list[str]:
    """Return what became of a file for reading."""
    lines = [f"{report.added} messages were taken in."]
    if report.known:
        lines.append(f"{report.known} were here already.")
    lines += [f"{count} {kind} left out." for kind, count in report.left_out.items()]
    if report.added and not report.standing:
        lines.append(f"They lie beside what was said here, from #{report.first} on.")
    return lines


def _read(path: Path) -> bytes:
    from services.conversation.transcripts.transcript import LARGEST_BYTES

    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound("file_missing", f"There is no file {path}.") from error
    except OSError as error:
        raise InvalidRequest(
            "file_unreadable", f"{path} cannot be read: {error.strerror}."
        ) from error
