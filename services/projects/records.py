"""What projects are made of. Numbers count from 1 within a place and are never given twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.domain.ids import AuthorId, ConversationId


class Status(StrEnum):
    """How far a project has come."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project with the number of its tasks and of those done.

    ``owners`` may change it, besides moderators; ``thread`` is where it is talked about.
    """

    number: int
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    status: Status = Status.ACTIVE
    owners: tuple[AuthorId, ...] = ()
    thread: ConversationId | None = None
    created_at: datetime
    archived_at: datetime | None = None
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task; ``project`` is the number of the project it belongs to.

    ``created_by`` is ``None`` when whoever created it has been forgotten. ``assignee`` is the name
    by which the person it is assigned to is known.
    """

    number: int
    project: int
    label: str
    is_done: bool = False
    created_by: AuthorId | None = None
    assigned_to: AuthorId | None = None
    assignee: str = ""
    created_at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """Something that may become a project; ``used_project`` is the number of the one it became."""

    number: int
    title: str
    description: str = ""
    author: AuthorId | None = None
    used_project: int | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark on a project or task; ``author_name`` is as whoever wrote it is known."""

    number: int
    content: str
    author: AuthorId
    author_name: str = ""
    created_at: datetime
