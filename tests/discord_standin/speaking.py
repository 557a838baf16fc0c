"""Fake people write, react, show themselves and open threads."""

from __future__ import annotations

from collections.abc import Sequence

from tests.discord_standin.acting import Actor, CannotDoThat
from tests.discord_standin.actions import messages, threads
from tests.discord_standin.actions.messages import Draft, Revision
from tests.discord_standin.actions.presences import show
from tests.discord_standin.entities import (
    Attachment,
    Bot,
    Channel,
    ChannelType,
    ForumTag,
    Message,
    Presence,
    User,
)
from tests.discord_standin.permissions import Permission, granted

_PLAYING = 0


class Speaker(Actor):
    """Deeds in channels."""

    def says(
        self,
        channel: Channel,
        text: str = "",
        *,
        replying_to: Message | None = None,
        files: Sequence[tuple[str, bytes, str]] = (),
        pings: bool = True,
    ) -> Message:
        """Post a message; ``files`` are name, content and content type.

        Args:
            channel: Where; the person must be able to write there.
            text: What.
            replying_to: The message answered.
            files: What is attached.
            pings: Whether a reply mentions whom it answers.
        """
        self._may_speak(channel)
        attachments = [
            Attachment(id=self._world.ids.next(), filename=n, content=c, content_type=t)
            for n, c, t in files
        ]
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": pings}
        draft = Draft(
            content=text,
            attachments=attachments,
            reference=(channel.id, replying_to.id) if replying_to else None,
            allowed_mentions=allowed,
        )
        message = messages.post(self._site, channel, self.user, draft)
        channel.spoke[self.user.id] = self._world.clock.now()
        return message

    def mentions(self, channel: Channel, whom: User, text: str) -> Message:
        """Post a message that begins with a mention."""
        return self.says(channel, f"<@{whom.id}> {text}")

    def writes_to(self, bot: Bot, text: str) -> Message:
        """Send a direct message."""
        return self.says(self._world.direct_channel(self.user.id, bot.user.id), text)

    def edits(self, message: Message, text: str) -> None:
        """Change an own message."""
        if message.author is not self.user:
            raise CannotDoThat("only own messages can be edited")
        messages.edit(self._site, message, Revision(content=text))

    def deletes(self, message: Message) -> None:
        """Delete an own message, or another's with the permission to."""
        if message.author is not self.user:
            channel = self._world.channels[message.channel_id]
            self._needs(channel, Permission.MANAGE_MESSAGES)
        messages.delete(self._site, message)

    def reacts(self, message: Message, emoji: str) -> None:
        messages.react(self._site, message, self.user, emoji)

    def takes_back(self, message: Message, emoji: str) -> None:
        messages.unreact(self._site, message, self.user, emoji)

    def types(self, channel: Channel) -> None:
        messages.show_typing(self._site, channel, self.user)

    def shows(self, activity: str | None = None, *, status: str = "online") -> None:
        """Change what others see of this person: a game that is played, and the status."""
        shown = None
        if activity is not None:
            now = int(self._world.clock.now().timestamp() * 1000)
            shown = {
                "id": f"{self.user.id:x}",
                "name": activity,
                "type": _PLAYING,
                "created_at": now,
            }
        show(self._site.gateway, self.user, Presence(status=status, activity=shown))

    def opens_thread(
        self, channel: Channel, name: str, *, on: Message | None = None, private: bool = False
    ) -> Channel:
        """Open a thread; ``on`` is the message it grows out of."""
        kind = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
        self._needs(channel, kind)
        return threads.start_thread(
            self._site, channel, self.user, name, starter=on, private=private
        )

    def posts(
        self, forum: Channel, title: str, text: str, *, tags: Sequence[ForumTag] = ()
    ) -> Channel:
        """Open a post in a forum, and return it."""
        if forum.type != ChannelType.FORUM:
            raise CannotDoThat("posts belong into forums")
        self._needs(forum, Permission.SEND_MESSAGES)
        post = threads.start_thread(
            self._site, forum, self.user, title, tags=[tag.id for tag in tags]
        )
        messages.post(self._site, post, self.user, Draft(content=text))
        return post

    def joins_thread(self, thread: Channel) -> None:
        self._needs(thread, Permission.VIEW_CHANNEL)
        threads.join_thread(self._site, thread, self.user)

    def leaves_thread(self, thread: Channel) -> None:
        threads.leave_thread(self._site, thread, self.user)

    def adds_to_thread(self, thread: Channel, user: User) -> None:
        """Bring somebody into a thread; a private one is hidden from others."""
        self._needs(thread, Permission.SEND_MESSAGES_IN_THREADS)
        threads.join_thread(self._site, thread, user)

    def archives(self, thread: Channel, *, archived: bool = True, locked: bool = False) -> None:
        """Close an own thread, or open it again; others' need the permission to."""
        assert thread.thread
        if thread.thread.owner_id != self.user.id or locked:
            self._needs(thread, Permission.MANAGE_THREADS)
        threads.archive(self._site, thread, archived=archived, locked=locked)

    def _may_speak(self, channel: Channel) -> None:
        if channel.thread is None:
            self._needs(channel, Permission.SEND_MESSAGES)
        else:
            self._needs(channel, Permission.SEND_MESSAGES_IN_THREADS)
            if channel.thread.archived and channel.thread.locked:
                raise CannotDoThat("the thread is locked")
        self._demand_patience(channel)

    def _demand_patience(self, channel: Channel) -> None:
        """Hold people, and never bots, to a channel's slowmode."""
        last = channel.spoke.get(self.user.id)
        free = granted(self._world, self.user.id, channel) & Permission.BYPASS_SLOWMODE
        if not channel.slowmode_seconds or last is None or free or self.user.bot:
            return
        waited = (self._world.clock.now() - last).total_seconds()
        if waited < channel.slowmode_seconds:
            left = channel.slowmode_seconds - waited
            raise CannotDoThat(f"error 20016: slowmode holds for another {left:.1f} s")
