"""A server that behaves like GitHub, as far as the tools need it (docs.github.com/en/rest)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "github_pat_" + "x" * 20
REPOSITORY = "maker/lamp"


@dataclass
class FakeGitHub:
    """One repository; ``trouble`` answers every request with a status and headers instead."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"README.md": b"# Lamp\n"})
    branches: list[str] = field(default_factory=lambda: ["main", "wip"])
    pulls: list[dict[str, Any]] = field(default_factory=list)
    trouble: tuple[int, dict[str, str], bytes] | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)
    changed_meanwhile: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path_qs))
        if self.trouble is not None:
            status, headers, body = self.trouble
            return web.Response(status=status, headers=headers, body=body)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _problem(401, "Bad credentials")
        parts = request.path.strip("/").split("/")
        if "/".join(parts[1:3]) != REPOSITORY:
            return _problem(404, "Not Found")
        match request.method, parts[3:]:
            case "GET", ["contents", *path]:
                return self._contents("/".join(path), request.query.get("ref", "main"))
            case "PUT", ["contents", *path]:
                return self._put("/".join(path), await request.json())
            case "GET", ["branches"]:
                return web.json_response([{"name": one} for one in self.branches])
            case "GET", ["pulls"]:
                state = request.query["state"]
                found = [one for one in self.pulls if state in ("all", one["state"])]
                return web.json_response(found)
            case "POST", ["pulls"]:
                return self._open(await request.json())
        return _problem(404, "Not Found")

    def _contents(self, path: str, ref: str) -> web.Response:
        if ref not in self.branches:
            return _problem(404, "No commit found for the ref")
        if path in self.files:
            return web.json_response(self._entry(path) | {"encoding": "base64"})
        folder = f"{path}/" if path else ""
        inside = {one[len(folder) :] for one in self.files if one.startswith(folder)}
        if not inside:
            return _problem(404, "Not Found")
        names = sorted({one.split("/")[0] for one in inside})
        return web.json_response(
            [
                {"path": f"{folder}{name}", "type": "file" if name in inside else "dir"}
                for name in names
            ]
        )

    def _entry(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        return {
            "path": path,
            "type": "file",
            "sha": _sha(content),
            "content": base64.encodebytes(content).decode(),
        }

    def _put(self, path: str, body: dict[str, Any]) -> web.Response:
        if body.get("branch", "main") not in self.branches:
            return _problem(404, "Branch not found")
        old = self.files.get(path)
        if self.changed_meanwhile:
            return _problem(409, f"{path} does not match")
        if old is not None and "sha" not in body:
            return _problem(422, 'Invalid request. "sha" wasn\'t supplied.')
        if old is not None and body["sha"] != _sha(old):
            return _problem(409, f"{path} does not match")
        self.files[path] = base64.b64decode(body["content"])
        return web.json_response({"commit": {"sha": "abcdef0123456789"}}, status=201)

    def _open(self, body: dict[str, Any]) -> web.Response:
        if any(one["head"]["ref"] == body["head"] for one in self.pulls):
            reason = f"A pull request already exists for maker:{body['head']}."
            return _problem(422, "Validation Failed", errors=[{"message": reason}])
        number = len(self.pulls) + 1
        opened = {
            "number": number,
            "title": body["title"],
            "state": "open",
            "head": {"ref": body["head"]},
            "base": {"ref": body["base"]},
            "html_url": f"https://github.test/{REPOSITORY}/pull/{number}",
        }
        self.pulls.append(opened)
        return web.json_response(opened, status=201)


@asynccontextmanager
async def fake_github() -> AsyncIterator[FakeGitHub]:
    """Serve until the end of the block."""
    github = FakeGitHub()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", github.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        github.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield github
    finally:
        await runner.cleanup()


def _sha(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()  # noqa: S324  as Git names what it holds


def _problem(status: int, message: str, **more: object) -> web.Response:
    return web.json_response({"message": message, **more}, status=status)
