"""What a world is made of: plain state, without sockets, JSON or events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

THREAD_CREATED, THREAD_STARTER, PINNED = 18, 21, 6
"""The types of the messages Discord itself posts."""


class ChannelType(IntEnum):
    """Discord's channel types."""

    TEXT = 0
    DIRECT = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15


@dataclass(slots=True, kw_only=True)
class User:
    """A person or a bot."""

    id: int
    username: str
    global_name: str | None = None
    avatar: str | None = None
    bot: bool = False
    takes_direct_messages: bool = True
    locale: str = "en-US"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """How somebody shows; ``activity`` is in the shape Discord shows it in."""

    status: str = "online"
    activity: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Role:
    """A role; the one named @everyone has its guild's id."""

    id: int
    name: str
    permissions: int = 0
    position: int = 0
    color: int = 0
    mentionable: bool = False
    managed_by: int | None = None


@dataclass(slots=True, kw_only=True)
class Overwrite:
    """What a channel allows or denies to a role or a member."""

    id: int
    of_member: bool
    allow: int = 0
    deny: int = 0


@dataclass(slots=True, kw_only=True)
class Member:
    """A user in a guild."""

    user_id: int
    joined_at: datetime
    nick: str | None = None
    roles: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ThreadState:
    """What a thread has beyond a channel."""

    owner_id: int
    created_at: datetime
    archive_moment: datetime
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    auto_archive_minutes: int = 1440
    applied_tags: list[int] = field(default_factory=list)
    members: dict[int, datetime] = field(default_factory=dict)
    sent: int = 0
    active_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Attachment:
    """A file of a message; its bytes are what the CDN serves."""

    id: int
    filename: str
    content: bytes
    content_type: str
    description: str | None = None
    size: tuple[int, int] | None = None


@dataclass(slots=True, kw_only=True)
class Message:
    """A message; embeds and components are kept in the shape they are shown in."""

    id: int
    channel_id: int
    author: User
    content: str = ""
    type: int = 0
    flags: int = 0
    tts: bool = False
    pinned_at: datetime | None = None
    edited_at: datetime | None = None
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: list[int] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    reactions: dict[str, list[int]] = field(default_factory=dict)
    reference: tuple[int, int] | None = None
    nonce: int | str | None = None
    webhook_id: int | None = None
    application_id: int | None = None
    interaction_id: int | None = None
    shown_only_to: int | None = None
    thread_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForumTag:
    """What posts of a forum can be labelled with."""

    id: int
    name: str


@dataclass(slots=True, kw_only=True)
class Channel:
    """A guild's channel, a thread or a direct conversation; oldest messages fall out."""

    id: int
    type: ChannelType
    name: str = ""
    guild_id: int | None = None
    parent_id: int | None = None
    topic: str | None = None
    nsfw: bool = False
    position: int = 0
    slowmode_seconds: int = 0
    recipients: tuple[int, ...] = ()
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    tags: list[ForumTag] = field(default_factory=list)
    thread: ThreadState | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    spoke: dict[int, datetime] = field(default_factory=dict)

    def counts(self, message: Message) -> bool:
        """Say whether a thread's message is more than the one it began with."""
        return message.id != self.id and message.type != THREAD_STARTER

    @property
    def last_message_id(self) -> int | None:
        """The youngest message still kept."""
        return next(reversed(self.messages), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceState:
    """In which voice channel somebody is; ``mute`` and ``deaf`` are what moderators imposed."""

    user_id: int
    channel_id: int | None
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    mute: bool = False
    deaf: bool = False


@dataclass(slots=True, kw_only=True)
class Guild:
    """A server with its roles and members; channels are kept by the world."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    banned: set[int] = field(default_factory=set)
    voice: dict[int, VoiceState] = field(default_factory=dict)
    system_channel_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Webhook:
    """A face to post with in one channel."""

    id: int
    channel_id: int
    guild_id: int
    name: str
    token: str
    creator_id: int
    application_id: int | None
    avatar: str | None = None


@dataclass(slots=True, kw_only=True)
class Emoji:
    """A picture an application owns; its bytes are what the CDN serves."""

    id: int
    application_id: int
    name: str
    image: bytes
    content_type: str
    creator_id: int


@dataclass(slots=True, kw_only=True)
class Command:
    """An application command as it was registered; ``guild_id`` None means everywhere."""

    id: int
    version: int
    application_id: int
    guild_id: int | None
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name, unique per type and scope."""
        return str(self.data["name"])

    @property
    def type(self) -> int:
        """1 chat input, 2 user, 3 message."""
        return int(self.data.get("type") or 1)


@dataclass(slots=True, kw_only=True)
class Interaction:
    """Something a person did that the bot must answer within three seconds."""

    id: int
    type: int
    token: str
    application_id: int
    user_id: int
    channel_id: int
    guild_id: int | None
    data: dict[str, Any]
    created: float
    message_id: int | None = None
    answer_type: int | None = None
    answer_data: dict[str, Any] = field(default_factory=dict)
    original_id: int | None = None
    followups: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Bot:
    """An application with its bot user; ``privileged`` are the intents switched on for it."""

    user: User
    application_id: int
    token: str
    owner_id: int
    privileged: int
