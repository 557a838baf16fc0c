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
from tests.fakes.discord_commands import answer_in, command_app, told, used
from tests.fakes.scripted_model import Playbook, ScriptedModel

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST = 60_000
"""How many bytes a picture may have."""

Play = Callable[[Scene], Awaitable[User | None]]

_TIDE = (
    "It turns in twenty minutes, Alice. Bring the boat in before that, or bring a book: after it "
    "nobody rows back until supper."
)
_SUPPER = "Soup. It is always soup on a spring tide, because nobody gets to the market."
_STARS = "Then soup it is, and afterwards the sky clears. I would keep a seat at the telescope free."


async def talking(town: Scene) -> None:
    """Mira is mentioned and answers with her own face; Bob replies to her."""
    town.alice.mentions(town.general, town.bot.user, "when does the tide turn?")
    said = await answer_in(town, town.general, "twenty minutes")
    town.bob.says(town.general, "and what is for supper?", replying_to=said)
    await answer_in(town, town.general, "always soup")


async def two_characters(town: Scene) -> None:
    """Two characters share a scene."""
    await used(town, town.alice, "conversation scene join", name="orin")
    town.alice.mentions(town.general, town.bot.user, "Mira, what is for supper?")
    await answer_in(town, town.general, "always soup")
    await used(town, town.alice, "conversation scene speak", name="orin")
    await answer_in(town, town.general, "telescope")


async def remembering(town: Scene) -> User:
    """Bob looks at what is known of him; only he sees it."""
    town.bob.mentions(town.general, town.bot.user, "I live in Bern and I love rye bread.")
    await answer_in(town, town.general, "Noted")
    asked = town.bob.uses(town.general, town.bot, "memory show")
    await told(town, town.bob, asked)
    return town.bob.user


SCENES: Mapping[str, tuple[Play, Playbook]] = {
    "talking": (talking, [_TIDE, _SUPPER]),
    "two-characters": (two_characters, [_SUPPER, _STARS]),
    "remembering": (remembering, "Noted. The bread at home is plain, but I will see to it."),
}
"""What is played and what the model says in it, by the name of the picture."""


def script(answers: Playbook) -> Playbook:
    """Return ``answers`` in order, the last one again and again."""
    if isinstance(answers, str) or callable(answers) or not isinstance(answers, Sequence):
        return answers
    left = list(answers)

    def following(_request: ChatRequest) -> object:
        return left.pop(0) if len(left) > 1 else left[0]

    return following  # type: ignore[return-value]


async def played(name: str) -> bytes:
    """Play one scene and return its picture."""
    play, answers = SCENES[name]
    with tempfile.TemporaryDirectory() as folder:
        async with stage() as town, command_app(town, ScriptedModel(script(answers)), Path(folder)):
            viewer = await play(town)
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
