"""Repositories that may be used, and what is read and written there."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.domain.errors import InvalidRequest, NotAllowed, NotFound, Refused
from services.projects.github.client import GitHubClient

LONGEST_READ = 4_000
"""Characters of a file that are shown."""
LONGEST_WRITTEN = 20_000
"""Characters a file may be given."""
MOST_LISTED = 100
"""Entries of a folder, branches or pull requests that are listed."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_BRANCH = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]{1,200}")
_ODD = "GitHub's answer cannot be read; try again later."


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A proposal to merge ``head`` into ``base``; empty ``base`` means main."""

    title: str
    head: str
    base: str = "main"
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContent:
    """What a file is to hold, and the message of the commit that changes it."""

    path: str
    text: str
    message: str
    branch: str = ""


class Repositories:
    """Uses the repositories in ``allowed`` (``owner/name``), or with none of them all there are.

    Raises ``Refused`` for every failure: ``InvalidRequest`` for names that cannot be,
    ``NotAllowed`` for other repositories, and what ``GitHubClient`` raises.
    """

    def __init__(self, client: GitHubClient, allowed: Sequence[str] = ()) -> None:
        self._client = client
        self._allowed = frozenset(name.casefold() for name in allowed)

    async def files(self, repository: str, path: str = "", branch: str = "") -> Sequence[str]:
        """Return what a folder holds, folders with a slash at the end."""
        found = await self._contents(repository, path, branch)
        if not isinstance(found, list):
            raise InvalidRequest("github_folder", "That is a file, not a folder.")
        entries = [one for one in found[:MOST_LISTED] if isinstance(one, dict)]
        return [f"{_text(one, 'path')}{'/' * (one.get('type') == 'dir')}" for one in entries]

    async def read(self, repository: str, path: str, branch: str = "") -> str:
        """Return the first 4,000 characters of a text file."""
        text = _content_of(await self._contents(repository, path, branch))
        if len(text) > LONGEST_READ:
            return f"{text[:LONGEST_READ]}\n[cut]"
        return text

    async def branches(self, repository: str) -> Sequence[str]:
        """Return the names of branches."""
        found = await self._client.get(
            "repos", self._checked(repository), "branches", per_page=MOST_LISTED
        )
        return [_text(one, "name") for one in _list(found)]

    async def pull_requests(self, repository: str, state: str = "open") -> Sequence[str]:
        """Return a line per pull request: number, title, branches."""
        name = self._checked(repository)
        found = await self._client.get("repos", name, "pulls", state=state, per_page=MOST_LISTED)
        return [
            f"#{one.get('number')} {_text(one, 'title')} ({_ref(one, 'head')} into "
            f"{_ref(one, 'base')}, {_text(one, 'state')})"
            for one in _list(found)
        ]

    async def update(self, repository: str, new: NewContent) -> str:
        """Change a file, or create it, in a commit of its own; returns the commit's short id."""
        name, path = self._checked(repository), _path(new.path)
        if not path:
            raise InvalidRequest("github_path", "Say which file.")
        body: dict[str, object] = {
            "message": new.message,
            "content": base64.b64encode(new.text.encode()).decode(),
        }
        if new.branch:
            body["branch"] = _branch(new.branch)
        sha = await self._sha(name, path, new.branch)
        if sha:
            body["sha"] = sha
        done = await self._client.put("repos", name, "contents", path, body=body)
        return _text(_mapping(_mapping(done).get("commit")), "sha")[:7]

    async def open_pull_request(self, repository: str, new: PullRequest) -> str:
        """Open a pull request and return its number and address."""
        body = {
            "title": new.title,
            "body": new.body,
            "head": _branch(new.head),
            "base": _branch(new.base or "main"),
        }
        done = _mapping(
            await self._client.post("repos", self._checked(repository), "pulls", body=body)
        )
        return f"#{done.get('number')} {_text(done, 'html_url')}"

    async def _sha(self, name: str, path: str, branch: str) -> str:
        try:
            found = await self._contents(name, path, branch)
        except NotFound:  # a new file; an unknown repository or branch fails when it is put
            return ""
        if isinstance(found, list):
            raise InvalidRequest("github_file", "That is a folder, not a file.")
        return _text(_mapping(found), "sha")

    async def _contents(self, repository: str, path: str, branch: str) -> object:
        query = {"ref": _branch(branch)} if branch else {}
        return await self._client.get(
            "repos", self._checked(repository), "contents", _path(path), **query
        )

    def _checked(self, repository: str) -> str:
        name = repository.strip()
        if not _REPOSITORY.fullmatch(name):
            raise InvalidRequest("github_repository", "A repository is written as owner/name.")
        if self._allowed and name.casefold() not in self._allowed:
            raise NotAllowed("github_repository", "That repository may not be used here.")
        return name


def _path(path: str) -> str:
    parts = [part for part in path.strip().strip("/").split("/") if part]
    if any(part in (".", "..") for part in parts) or "\x00" in path:
        raise InvalidRequest("github_path", "A path leads from the top of the repository down.")
    return "/".join(parts)


def _branch(name: str) -> str:
    if not _BRANCH.fullmatch(name) or ".." in name:
        raise InvalidRequest("github_branch", "There can be no branch with such a name.")
    return name


def _content_of(found: object) -> str:
    if isinstance(found, list):
        raise InvalidRequest("github_file", "That is a folder, not a file.")
    entry = _mapping(found)
    if entry.get("type") != "file" or entry.get("encoding") != "base64":
        raise InvalidRequest("github_file", "That file is too large or of a kind I cannot read.")
    try:
        return base64.b64decode(_text(entry, "content")).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidRequest("github_file", "That file holds no text.") from error


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Refused("github_answer", _ODD)
    return value


def _list(value: object) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, list):
        raise Refused("github_answer", _ODD)
    return [one for one in value if isinstance(one, dict)]


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _ref(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return _text(value, "ref") if isinstance(value, dict) else ""
