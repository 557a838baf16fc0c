"""A bot on hikari that does what people ask of it, and says on stdout what it hears and did.

It runs in an environment of its own: hikari is not among acore's packages.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import hikari  # type: ignore[import-not-found]

_TEXT_OPTION = 3
_NOTED: Mapping[str, str] = {
    "GuildMessageUpdateEvent": "message edited",
    "GuildMessageDeleteEvent": "message deleted",
    "GuildReactionAddEvent": "reaction",
    "GuildReactionDeleteEvent": "reaction taken back",
    "GuildTypingEvent": "typing",
    "PresenceUpdateEvent": "presence",
    "MemberCreateEvent": "member joined",
    "MemberUpdateEvent": "member changed",
    "MemberDeleteEvent": "member left",
    "GuildChannelCreateEvent": "channel opened",
    "GuildChannelUpdateEvent": "channel changed",
    "GuildChannelDeleteEvent": "channel closed",
    "GuildThreadCreateEvent": "thread opened",
    "RoleUpdateEvent": "role changed",
    "WebhookUpdateEvent": "webhooks changed",
    "GuildJoinEvent": "guild joined",
    "GuildLeaveEvent": "guild left",
}


def tell(what: str, **more: object) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps({"what": what} | more) + "\n")
    sys.stdout.flush()


class Obedient:
    """Does one thing per word it is told."""

    def __init__(self, bot: Any) -> None:
        self._bot = bot
        self._rest = bot.rest
        self._words: Mapping[str, Callable[[Any], Awaitable[None]]] = {
            "hello": self._hello,
            "rich": self._rich,
            "face": self._face,
            "thread": self._thread,
            "direct": self._direct,
            "history": self._history,
            "emoji": self._emoji,
            "bye": self._bye,
        }

    async def on_ready(self, event: Any) -> None:
        user = event.my_user
        text = hikari.CommandOption(
            type=hikari.OptionType.STRING,
            name="text",
            description="What",
            is_required=False,
            autocomplete=True,
        )
        commands = [
            self._rest.slash_command_builder("ping", "Answers").add_option(text),
            self._rest.slash_command_builder("form", "Asks"),
        ]
        await self._rest.set_application_commands(user.id, commands)
        tell("ready", user=user.username)

    async def on_guild(self, event: Any) -> None:
        tell("guild", name=event.guild.name, channels=len(event.guild.get_channels()))

    async def on_message(self, event: Any) -> None:
        if event.is_human:
            tell("message", text=event.content)
            if event.content in self._words:
                await self._words[event.content](event)
                tell("did", word=event.content)

    async def on_any(self, event: Any) -> None:
        name = type(event).__name__
        if name in _NOTED:
            tell(_NOTED[name])

    async def on_interaction(self, event: Any) -> None:
        interaction = event.interaction
        if isinstance(interaction, hikari.AutocompleteInteraction):
            typed = interaction.options[0].value
            choice = hikari.impl.AutocompleteChoiceBuilder(f"{typed}!", f"{typed}!")
            await interaction.create_response([choice])
        elif isinstance(interaction, hikari.ComponentInteraction):
            kind = hikari.ResponseType.MESSAGE_UPDATE
            await interaction.create_initial_response(kind, "clicked", components=[])
        elif isinstance(interaction, hikari.ModalInteraction):
            answer = interaction.components[0].components[0].value
            kind = hikari.ResponseType.MESSAGE_CREATE
            await interaction.create_initial_response(kind, f"got: {answer}")
        elif interaction.command_name == "form":
            row = self._rest.build_modal_action_row().add_text_input("why", "Why?")
            await interaction.create_modal_response("A form", "form", component=row)
        else:
            await self._answer_ping(interaction)

    async def _answer_ping(self, interaction: Any) -> None:
        hidden = hikari.MessageFlag.EPHEMERAL
        kind = hikari.ResponseType.DEFERRED_MESSAGE_CREATE
        await interaction.create_initial_response(kind, flags=hidden)
        await interaction.edit_initial_response("pong")
        await interaction.execute("and more", flags=hidden)

    async def _hello(self, event: Any) -> None:
        await self._rest.trigger_typing(event.channel_id)
        message = await event.message.respond("echo: hello", reply=True)
        await message.edit("echo: hello!")
        await event.message.add_reaction("👍")

    async def _rich(self, event: Any) -> None:
        row = self._rest.build_message_action_row()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again")
        embed = hikari.Embed(title="Title", description="Text").add_field("name", "value")
        file = hikari.Bytes(b"hello file", "hello.txt")
        await event.message.respond("rich", embed=embed, component=row, attachment=file)

    async def _face(self, event: Any) -> None:
        hook = await self._rest.create_webhook(event.channel_id, "Persona")
        message = await hook.execute("as another", username="Another")
        await hook.edit_message(message, "as another, edited")
        await self._rest.delete_webhook(hook)

    async def _thread(self, event: Any) -> None:
        thread = await self._rest.create_message_thread(event.channel_id, event.message, "Aside")
        await thread.send("in the thread")
        await self._rest.edit_channel(thread, archived=True)

    async def _direct(self, event: Any) -> None:
        await event.author.send("only you")

    async def _history(self, event: Any) -> None:
        messages = await self._rest.fetch_messages(event.channel_id).limit(3)
        tell("history", texts=[message.content for message in messages])

    async def _emoji(self, event: Any) -> None:
        me = self._bot.get_me().id
        image = await event.message.attachments[0].read()
        emoji = await self._rest.create_application_emoji(me, "face", image)
        found = await self._rest.fetch_application_emojis(me)
        tell("emojis", names=[each.name for each in found])
        await self._rest.delete_application_emoji(me, emoji)

    async def _bye(self, _event: Any) -> None:
        await self._bot.close()


def main() -> None:
    """Run until somebody says bye."""
    logging.basicConfig(level=logging.WARNING)  # to stderr, apart from what is told
    bot = hikari.GatewayBot(
        os.environ["DISCORD_TOKEN"],
        banner=None,
        intents=hikari.Intents.ALL,
        rest_url=os.environ["ACORE_DISCORD__API_URL"],
        suppress_optimization_warning=True,
        logs=None,
    )
    obedient = Obedient(bot)
    bot.subscribe(hikari.ShardReadyEvent, obedient.on_ready)
    bot.subscribe(hikari.GuildAvailableEvent, obedient.on_guild)
    bot.subscribe(hikari.MessageCreateEvent, obedient.on_message)
    bot.subscribe(hikari.InteractionCreateEvent, obedient.on_interaction)
    bot.subscribe(hikari.Event, obedient.on_any)
    bot.run(check_for_updates=False)


if __name__ == "__main__":
    main()
