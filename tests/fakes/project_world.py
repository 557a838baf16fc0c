"""The services of projects over a real database, without a platform."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.domain.errors import NotAllowed
from services.domain.ids import AuthorId, ConversationId
from services.domain.people import Author, Role
from services.projects.ideas import Ideas
from services.projects.notes import ProjectNotes
from services.projects.projects import Projects
from services.projects.records import Project
from services.projects.rules import Asker
from services.projects.service import ProjectServices
from services.projects.tasks import Tasks
from services.projects.threads import ThreadDirectory
from services.projects.weeks import Weeks
from services.settings import StorageSettings
from services.storage.database import Database
from tests.fakes.clock import ManualClock

HERE = ConversationId("discord", "100", "1")
THERE = ConversationId("discord", "200", "2")


def person(name: str) -> Author:
    return Author(id=AuthorId("discord", name), display_name=name.title())


def asker(name: str, where: ConversationId = HERE, *, role: Role = Role.MEMBER) -> Asker:
    return Asker(author=person(name), role=role, conversation=where)


ANN, BOB, CAT = asker("ann"), asker("bob"), asker("cat")
MODERATOR = asker("mod", role=Role.MODERATOR)
GUEST = asker("guest", role=Role.GUEST)
STRANGER = asker("ann", THERE, role=Role.ADMIN)
"""Somebody powerful in another guild, with the account of Ann."""


@dataclass
class FakePlanner:
    """Proposes what a test says."""

    tasks: Sequence[str] = ()
    summary: str = ""
    asked: list[Sequence[str]] = field(default_factory=list)

    async def checklist(self, project: Project, *, tenant: str) -> Sequence[str]:
        return self.tasks

    async def look_back(self, lines: Sequence[str], *, tenant: str) -> str:
        self.asked.append(lines)
        return self.summary


@dataclass
class FakeThreads:
    """Opens threads, or says that it may not."""

    forbidden: bool = False
    closed: list[ConversationId] = field(default_factory=list)

    async def open(self, project: Project, *, beside: ConversationId) -> ConversationId:
        if self.forbidden:
            raise NotAllowed("thread", "I lack a permission here.")
        return ConversationId(beside.platform, beside.scope, f"{beside.channel}:9{project.number}")

    async def close(self, thread: ConversationId) -> None:
        if self.forbidden:
            raise NotAllowed("thread", "I lack a permission here.")
        self.closed.append(thread)


@dataclass
class World:
    """The services and what they stand on."""

    services: ProjectServices
    database: Database
    clock: ManualClock
    planner: FakePlanner
    threads: FakeThreads


@asynccontextmanager
async def project_world(data: Path) -> AsyncIterator[World]:
    """Open everything over ``data``."""
    clock, planner, threads = ManualClock(), FakePlanner(), FakeThreads()
    async with Database(StorageSettings(data=data), clock=clock) as database:
        directory = ThreadDirectory()
        directory.register("discord", threads)
        projects = Projects(database=database, clock=clock, threads=directory)
        services = ProjectServices(
            projects=projects,
            tasks=Tasks(database=database, clock=clock),
            ideas=Ideas(database=database, clock=clock, rng=random.Random(1), projects=projects),
            notes=ProjectNotes(database=database, clock=clock),
            weeks=Weeks(database=database, clock=clock, planner=planner),
            planner=planner,
            threads=directory,
        )
        yield World(services, database, clock, planner, threads)
