"""Commands, autocomplete, buttons, menus and forms between fake people and discord.py."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from discord import app_commands

from tests.discord_standin.command_options import NotOffered
from tests.discord_standin.entities import Interaction
from tests.discord_standin.people import CannotDoThat
from tests.discord_standin.scene import Scene, living, scene
from tests.fakes.clock import ManualClock

FRUITS = ("apple", "apricot", "pear")


class Form(discord.ui.Modal, title="Change it"):
    """Asks for a new text."""

    text: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Text", custom_id="text")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"now {self.text.value}")


class Panel(discord.ui.View):
    """Two buttons and a menu that outlive a restart."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Count", custom_id="count")
    async def count(self, interaction: discord.Interaction, button: Any) -> None:
        assert interaction.message
        number = int(interaction.message.content.split()[-1]) + 1
        await interaction.response.edit_message(content=f"pressed {number}", view=self)

    @discord.ui.button(emoji="✏️", custom_id="edit")
    async def edit(self, interaction: discord.Interaction, button: Any) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(
        custom_id="fruit", options=[discord.SelectOption(label=name) for name in FRUITS]
    )
    async def fruit(self, interaction: discord.Interaction, menu: Any) -> None:
        await interaction.response.send_message(f"a {menu.values[0]}", ephemeral=True)


class Desk(discord.Client):
    """A bot with commands of every kind of answer."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), guild_ready_timeout=0.1)
        self.tree = app_commands.CommandTree(self)
        commands: list[Any] = [ping, slow, later_hidden, eat, whois, panel, purge, quote, group]
        for command in commands:
            self.tree.add_command(command)

    async def setup_hook(self) -> None:
        self.add_view(Panel())
        await self.tree.sync()


@app_commands.command(description="Answers at once")
async def ping(interaction: discord.Interaction, text: str, times: int = 1) -> None:
    await interaction.response.send_message(f"pong {text * times}")


@app_commands.command(description="Answers later")
async def slow(interaction: discord.Interaction) -> None:
    await interaction.response.defer()
    await interaction.edit_original_response(content="thought it over")
    await interaction.followup.send("and one more thing")


@app_commands.command(description="Answers later, to one alone")
async def later_hidden(interaction: discord.Interaction) -> None:
    await interaction.response.defer(ephemeral=True)
    await interaction.followup.send("just for you")


@app_commands.command(description="Completes itself")
async def eat(interaction: discord.Interaction, fruit: str) -> None:
    await interaction.response.send_message(f"ate {fruit}")


@eat.autocomplete("fruit")
async def fruits(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=n, value=n) for n in FRUITS if n.startswith(typed)]


@app_commands.command(description="Names a member")
async def whois(interaction: discord.Interaction, member: discord.Member) -> None:
    await interaction.response.send_message(f"{member.display_name} {len(member.roles)}")


@app_commands.command(description="Shows buttons")
async def panel(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("pressed 0", view=Panel())


@app_commands.command(description="For moderators")
@app_commands.default_permissions(manage_messages=True)
async def purge(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("done")


@app_commands.context_menu(name="Quote")
async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"> {message.content}")


group = app_commands.Group(name="character", description="Characters")


@group.command(name="set", description="Chooses one")
async def character_set(interaction: discord.Interaction, name: str) -> None:
    await interaction.response.send_message(f"{name} it is")


@pytest.fixture
async def town():
    """A town whose bot has its commands registered."""
    async with scene(limits=False) as town, living(Desk(), town.standin, town.bot):
        yield town


async def answers(town: Scene, asked: Interaction, *, count: int = 1) -> list[str]:
    """Return what Bob sees of the answers, once there are so many with text."""

    def seen() -> list[str]:
        return [each.content for each in town.bob.answers_to(asked) if each.content]

    await town.until(lambda: len(seen()) >= count)
    return seen()


async def test_command_with_options_is_answered(town):
    asked = town.bob.uses(town.general, town.bot, "ping", text="ab", times=2)
    assert await answers(town, asked) == ["pong abab"]


async def test_subcommand_is_found_by_its_path(town):
    asked = town.bob.uses(town.general, town.bot, "character set", name="Luna")
    assert await answers(town, asked) == ["Luna it is"]


async def test_members_are_resolved(town):
    asked = town.bob.uses(town.general, town.bot, "whois", member=town.alice.user)
    assert await answers(town, asked) == ["Alice 1"]


async def test_deferred_answer_is_edited_in_and_followed_up(town):
    asked = town.bob.uses(town.general, town.bot, "slow")
    assert await answers(town, asked, count=2) == ["thought it over", "and one more thing"]
    first = town.bob.answers_to(asked)[0]
    assert not first.flags & (1 << 7), "it no longer says that the bot is thinking"


async def test_hidden_answer_is_there_for_its_person_alone(town):
    asked = town.bob.uses(town.general, town.bot, "later_hidden")
    assert await answers(town, asked) == ["just for you"]
    assert town.alice.answers_to(asked) == []


async def test_choices_are_offered_while_typing(town):
    asked = town.bob.fills_in(town.general, town.bot, "eat", "fruit", fruit="ap")
    await town.until(lambda: asked.answer_type == 8)
    assert [each["value"] for each in asked.answer_data["choices"]] == ["apple", "apricot"]


async def test_message_menu_command_gets_its_message(town):
    said = town.alice.says(town.general, "to be or not")
    asked = town.bob.uses_on(said, town.bot, "Quote")
    assert await answers(town, asked) == ["> to be or not"]


async def test_buttons_update_and_menus_answer(town):
    asked = town.bob.uses(town.general, town.bot, "panel")
    await answers(town, asked)
    (shown,) = town.bob.answers_to(asked)
    town.bob.clicks(shown, "Count")
    await town.until(lambda: shown.content == "pressed 1")
    town.alice.clicks(shown, "count")
    await town.until(lambda: shown.content == "pressed 2")
    chosen = town.bob.selects(shown, "fruit", "pear")
    assert await answers(town, chosen) == ["a pear"]


async def test_form_changes_the_message_its_button_is_under(town):
    asked = town.bob.uses(town.general, town.bot, "panel")
    await answers(town, asked)
    (shown,) = town.bob.answers_to(asked)
    pressed = town.bob.clicks(shown, "✏️")
    await town.until(lambda: pressed.answer_type == 9)
    with pytest.raises(CannotDoThat):
        town.bob.submits(pressed, nonsense="x")
    town.bob.submits(pressed, text="new")
    await town.until(lambda: shown.content == "now new")


async def test_clients_offer_only_what_is_allowed_and_well_typed(town):
    for name, options in (
        ("nothing", {}),
        ("ping", {}),
        ("ping", {"text": 5}),
        ("ping", {"text": "x", "colour": "red"}),
        ("purge", {}),
    ):
        with pytest.raises(NotOffered):
            town.bob.uses(town.general, town.bot, name, **options)
    asked = town.alice.uses(town.general, town.bot, "purge")
    await town.until(lambda: asked.original_id is not None)


async def test_buttons_work_after_a_restart_of_the_bot():
    async with scene(limits=False) as town:
        async with living(Desk(), town.standin, town.bot):
            asked = town.bob.uses(town.general, town.bot, "panel")
            await answers(town, asked)
            (shown,) = town.bob.answers_to(asked)
        async with living(Desk(), town.standin, town.bot):
            town.bob.clicks(shown, "Count")
            await town.until(lambda: shown.content == "pressed 1")


async def test_syncing_again_keeps_the_commands_ids_and_versions():
    async with scene(limits=False) as town:
        registered = []
        for _ in range(2):
            async with living(Desk(), town.standin, town.bot):
                commands = town.standin.world.commands.values()
                registered.append({(each.id, each.version) for each in commands})
        assert registered[0] == registered[1]
        assert len(registered[0]) == 9


async def test_guild_commands_go_before_global_ones_and_vanish_when_cleared():
    async with scene(limits=False) as town:
        client = Desk()
        async with living(client, town.standin, town.bot):
            place = discord.Object(town.guild.id)
            client.tree.copy_global_to(guild=place)
            assert len(await client.tree.sync(guild=place)) == 9
            asked = town.bob.uses(town.general, town.bot, "ping", text="x")
            assert asked.data["guild_id"] == str(town.guild.id)
            await answers(town, asked)
            client.tree.clear_commands(guild=place)
            assert await client.tree.sync(guild=place) == []


async def test_too_late_and_twice_are_refused(clock: ManualClock):
    async with scene(limits=False, clock=clock) as town:
        client = Desk()
        async with living(client, town.standin, town.bot):
            asked = town.bob.uses(town.general, town.bot, "panel")
            await answers(town, asked)
            (shown,) = town.bob.answers_to(asked)
            shown.components[0]["components"][0]["custom_id"] = "nobody answers this"
            codes = []
            for seconds in (0.0, 4.0):
                town.bob.clicks(shown, "Count")
                click = await client.wait_for("interaction", timeout=5)
                clock.advance(seconds)
                for _ in range(2):
                    try:
                        await click.response.defer()
                    except discord.HTTPException as refused:
                        codes.append(refused.code)
                    click.response._response_type = None
            assert codes == [40060, 10062, 10062]
