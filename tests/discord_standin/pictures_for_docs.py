"""Plays three scenes with the real bot and a scripted model, and draws them for the manual.

``python -m tests.discord_standin.pictures_for_docs`` writes ``docs/pictures/discord-*.png``.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.llm.model import ChatRequest
from tests.discord_standin.entities import User
from tests.discord_standin.founding import add_role
from tests.discord_standin.permissions import Permission
from tests.discord_standin.picture import draw
from tests.discord_standin.scene import Scene, scene
from tests.fakes.discord_app import DiscordApp
from tests.fakes.discord_commands import answer_in, command_app, told, used
from tests.fakes.scripted_model import ScriptedModel

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST = 60_000
"""How many bytes a picture may have."""

Play = Callable[[Scene, DiscordApp], Awaitable[User | None]]

_TIDE = (
    "It turns in twenty minutes, Alice. Bring the boat in before that, or bring a book: after it "
    "nobody rows back until supper."
)
_SUPPER = "Soup. It is always soup on a spring tide, because nobody gets to the market."
_STARS = "Soup, then. Afterwards the sky clears; I keep a seat at the telescope free."


async def talking(town: Scene, _live: DiscordApp) -> None:
    """Mira is mentioned and answers with her own face; Bob replies to her."""
    town.alice.mentions(town.general, town.bot.user, "when does the tide turn?")
    said = await answer_in(town, town.general, "twenty minutes")
    town.bob.says(town.general, "and what is for supper?", replying_to=said)
    await answer_in(town, town.general, "always soup")


async def two_characters(town: Scene, _live: DiscordApp) -> User:
    """Two characters share a scene, and speak when they are asked to; Bob reads along."""
    for name in ("mira", "orin"):
        await used(town, town.alice, "conversation scene join", name=name)
    await used(town, town.alice, "conversation scene rules", turns="manual")
    town.alice.says(town.general, "What is for supper, you two?")
    for name, words in (("mira", "always soup"), ("orin", "telescope")):
        await used(town, town.alice, "conversation scene speak", name=name)
        await answer_in(town, town.general, words)
    return town.bob.user


async def remembering(town: Scene, live: DiscordApp) -> User:
    """Bob looks at what is known of him; only he sees it."""
    town.bob.mentions(town.general, town.bot.user, "I live in Bern and I love rye bread.")
    await answer_in(town, town.general, "Noted")
    await live.app.factory.learner().caught_up()
    asked = town.bob.uses(town.general, town.bot, "memory show")
    await told(town, town.bob, asked)
    return town.bob.user


SCENES: Mapping[str, tuple[Play, Sequence[str]]] = {
    "talking": (talking, [_TIDE, _SUPPER]),
    "two-characters": (two_characters, [_SUPPER, _STARS]),
    "remembering": (remembering, ["Noted. Rye it is, then, if the baker has any."]),
}
"""What is played and what the model says in it, by the name of the picture."""


def script(answers: Sequence[str]) -> Callable[[ChatRequest], str]:
    """Give ``answers`` in order, and the last one again and again."""
    left = list(answers)

    def following(_request: ChatRequest) -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    return following


async def played(name: str) -> bytes:
    """Play one scene and return its picture."""
    play, answers = SCENES[name]
    with tempfile.TemporaryDirectory() as folder:
        model = ScriptedModel(script(answers))
        async with stage() as town, command_app(town, model, Path(folder)) as live:
            viewer = await play(town, live)
            return draw(town.general, town.standin.world, viewer=viewer)


@asynccontextmanager
async def stage() -> AsyncIterator[Scene]:
    """A guild in which the bot may use webhooks."""
    async with scene(limits=False) as town:
        world, guild = town.standin.world, town.guild
        role = add_role(world, guild, "acore", permissions=int(Permission.MANAGE_WEBHOOKS))
        guild.members[town.bot.user.id].roles.append(role.id)
        yield town


def main() -> int:
    """Write all pictures; 1 when one is larger than the manual takes."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    too_large = False
    for name in SCENES:
        picture = asyncio.run(played(name))
        too_large |= len(picture) > LARGEST
        (PICTURES / f"discord-{name}.png").write_bytes(picture)
    return int(too_large)


if __name__ == "__main__":
    raise SystemExit(main())
