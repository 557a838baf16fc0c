"""Talk aloud to a character: over WAV files in real time, or with a microphone."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.failures import DONE, UNREACHABLE
from frontends.console.identity import person_here
from frontends.console.invocation import Invocation
from frontends.console.notices import notices_shown
from frontends.console.wording import clean, printable

if TYPE_CHECKING:
    from frontends.console.talking.conversing import Talking
    from frontends.console.talking.events import EventLines
    from frontends.console.talking.microphone import SoundDevices
    from frontends.console.talking.wav_output import Recording
    from services.domain.events import Notice
    from services.factory import ServiceFactory


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what is heard, who answers and what is kept."""
    heard = parser.add_mutually_exclusive_group(required=True)
    heard.add_argument(
        "--wav", type=Path, nargs="+", metavar="IN.wav",
        help="recordings to talk over, each in a conversation of its own",
    )  # fmt: skip
    heard.add_argument("--mic", action="store_true", help="use the microphone and the loudspeaker")
    parser.add_argument("--persona", metavar="NAME", help="character to talk to")
    parser.add_argument(
        "--out", type=Path, metavar="OUT.wav",
        help="keep what the character says, at the times of the input",
    )  # fmt: skip
    parser.add_argument(
        "--stub-model", metavar="FIRST_TOKEN_MS,TOKENS_PER_S",
        help="answer with fixed words at this pace instead of a model, for measuring",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print one JSON object per event"
    )


async def execute(call: Invocation) -> int:
    """Talk until the recordings are over or somebody ends it."""
    from frontends.console.talking.events import EventLines
    from frontends.console.talking.microphone import sound_devices
    from frontends.console.talking.stage import opened_stage
    from frontends.console.talking.stub_model import read_pace
    from frontends.console.talking.wav_output import recording

    asked = call.arguments
    stub = None if asked.stub_model is None else read_pace(asked.stub_model)
    devices = sound_devices() if asked.mic else None
    sounds = await asyncio.to_thread(_sounds, asked.wav or ())
    lines = EventLines(sys.stdout, as_json=asked.as_json)
    async with AsyncExitStack() as stack:
        kept = stack.enter_context(recording(asked.out)) if asked.out is not None else None
        services = await stack.enter_async_context(opened_stage(call.settings, stub=stub))
        talking = await stack.enter_async_context(_ready(services, call, lines, kept))
        if devices is None:
            await _hear(talking, services, sounds)
        else:
            await _listen(talking, services, devices)
    return UNREACHABLE if lines.troubled else DONE


def _sounds(paths: Sequence[Path]) -> Mapping[str, bytes]:
    from frontends.console.talking.wav_reading import read_wav

    return {clean(str(path)): read_wav(path) for path in paths}


@asynccontextmanager
async def _ready(
    services: ServiceFactory, call: Invocation, lines: EventLines, kept: Recording | None
) -> AsyncIterator[Talking]:
    """Make everything that answers ready; raises ``AcoreError`` where that cannot be."""
    from frontends.console.talking.conversing import Talking
    from services.domain.errors import InvalidRequest

    if not call.settings.voice.enabled:
        raise InvalidRequest("voice_disabled", "Voice is switched off: set voice.enabled to true.")
    chosen = call.arguments.persona
    persona = services.library().default() if chosen is None else services.library().find(chosen)
    lines.heading("Getting ready ...")
    talking = Talking(
        voice=services.voice(),
        conversations=services.conversations(),
        clock=services.clock(),
        person=person_here(call.settings),
        persona=None if chosen is None else persona.slug,
        lines=lines,
        kept=kept,
        embedder=services.embedder() if call.settings.memory.enabled else None,
    )
    async with notices_shown(services.bus(), _complain):
        await talking.warm(persona)
        yield talking


async def _hear(talking: Talking, services: ServiceFactory, sounds: Mapping[str, bytes]) -> None:
    from services.domain.ids import ConversationId

    run = services.ids().new()
    for number, (name, pcm) in enumerate(sounds.items(), start=1):
        place = ConversationId("console", "talk", f"{run}-{number}")
        await talking.hear(name, pcm, place=place)


async def _listen(talking: Talking, services: ServiceFactory, devices: SoundDevices) -> None:
    from frontends.console.talking.timeline import Timeline
    from services.domain.ids import ConversationId

    timeline = Timeline(talking.clock)
    microphone = devices.microphone(speaker=talking.person, clock=talking.clock, timeline=timeline)
    place = ConversationId("console", "talk", services.ids().new())
    await talking.listen(microphone, devices.loudspeaker(), timeline=timeline, place=place)


async def _complain(notice: Notice) -> None:
    sys.stderr.write(f"{printable(notice.text)}\n")
