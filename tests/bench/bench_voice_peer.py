"""How soon the program answers aloud beside another voice loop, over the same files in one run.

Both hear about 20 complete utterances in real time with the same weights and the same stub of a
model; blocks of files alternate, and so does who begins. It takes 12 minutes, and is passed over
unless the peer is installed or ``ACORE_BENCH_PEER=1`` says that it may be. Other work on the host
slows the peer more than the program: only runs on a quiet machine are worth quoting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.settings import VoiceSettings
from tests.bench import voice_peer
from tests.bench.bench_voice import STUB, Heard, error_rate, spread, talked, waits
from tests.bench.results import FOLDER, Figure, median, percentile, report
from tests.bench.voice_corpus import Corpus, Item, corpus
from tests.bench.voice_peer import NoPeer, PeerHeard, heard_by_peer

MAY_INSTALL = "ACORE_BENCH_PEER"
AREA = "voice_peer"
_WAIT = "end of speech to first audio"
_PACKAGES = ("faster-whisper", "ctranslate2", "piper-tts", "onnxruntime")


@dataclass(slots=True, kw_only=True)
class Run:
    """What both did over the same files; ``load`` is the machine's around every block."""

    ours: list[Heard] = field(default_factory=list)
    peers: list[PeerHeard] = field(default_factory=list)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    load: list[float] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple[Heard, PeerHeard]]:
        """Yield what both did with each file."""
        return zip(self.ours, self.peers, strict=True)


async def one_run(items: Sequence[Item], made: Corpus, *, block: int) -> Run:
    """Play the files to both, block by block, the one before the other by turns."""
    run = Run()
    for start in range(0, len(items), block):
        some = items[start : start + block]
        for ours in (True, False) if start // block % 2 == 0 else (False, True):
            run.load.append(os.getloadavg()[0])
            if ours:
                run.ours += await talked(some, made, real=False)
            else:
                run.configuration, heard = await heard_by_peer(some, made)
                run.peers += heard
            run.load.append(os.getloadavg()[0])
    return run


def own_configuration() -> Mapping[str, Any]:
    """Return what decides how soon the program answers, besides its code."""
    return {
        "command": f"main.py talk --wav ... --stub-model {STUB} --json",
        "versions": {name: version(name) for name in _PACKAGES},
        "voice": VoiceSettings().model_dump(mode="json", exclude={"ears_key", "speech_key"})
        | {"clips_mb": "0, so that nothing is quicker because it was said before"},
        "warmed": "as the command does by itself",
    }


def figures_of(run: Run) -> list[Figure]:
    """Compare."""
    ours, peers = waits(run.ours), [e.wait for e in run.peers if e.wait is not None]
    audible = [e.audible_wait for e in run.peers if e.audible_wait is not None]
    figures = [
        *spread(f"acore: {_WAIT}", ours, None, None),
        *spread(f"peer: {_WAIT}", peers, None, None),
        *spread("peer: end of speech to first sound above -45 dB", audible, None, None),
    ]
    if ours and peers:
        figures += _ratios("acore / peer", ours, peers, target=0.5)
    figures += _of_prompt(run)
    for name, heard in (("acore", run.ours), ("peer", run.peers)):
        answered = [each.wait is not None for each in heard]
        figures += [
            _count(f"{name}: turns held", [each.held for each in heard]),
            _count(f"{name}: answered before the end", [each.early for each in heard]),
            _count(f"{name}: without an answer", [not each for each in answered]),
        ]
    pairs = {
        "acore": [(each.item.text, each.understood) for each in run.ours],
        "peer": [(each.item.text, each.text) for each in run.peers],
    }
    figures += [
        Figure(name=f"{name}: word errors", value=error_rate(some), unit="%")
        for name, some in pairs.items()
    ]
    return [
        *figures,
        Figure(name="load of the machine, median", value=median(run.load), unit=""),
        Figure(name="load of the machine, highest", value=max(run.load), unit=""),
    ]


def _of_prompt(run: Run) -> list[Figure]:
    """Compare where neither held the turn, so that no silence timer is in the figures."""
    both = [
        (ours.wait, peer.wait)
        for ours, peer in run.pairs()
        if not (ours.held or peer.held) and ours.wait is not None and peer.wait is not None
    ]
    if not both:
        return []
    ours, peers = [pair[0] for pair in both], [pair[1] for pair in both]
    of = f"held by neither (of {len(both)})"
    return [
        *spread(f"acore, {of}: {_WAIT}", ours, None, None),
        *spread(f"peer, {of}: {_WAIT}", peers, None, None),
        *_ratios(f"acore / peer, {of}", ours, peers, target=None),
    ]


def _ratios(
    name: str, ours: Sequence[float], peers: Sequence[float], *, target: float | None
) -> list[Figure]:
    slow = percentile(ours, 0.95) / percentile(peers, 0.95)
    return [
        Figure(name=f"{name}, p50", value=median(ours) / median(peers), unit="", target=target),
        Figure(name=f"{name}, p95", value=slow, unit=""),
    ]


def _count(name: str, found: Sequence[bool]) -> Figure:
    return Figure(name=f"{name} (of {len(found)})", value=sum(found), unit="")


def show_files(run: Run) -> None:
    """Print a line for each file."""
    sys.stdout.write(f"\n{'file':<14}{'said by':<20}{'acore ms':>10}{'peer ms':>10}\n")
    for ours, peer in run.pairs():
        cells = "".join(_cell(each) for each in (ours, peer))
        sys.stdout.write(f"{ours.item.name:<14}{ours.item.voice:<20}{cells}\n")
    sys.stdout.write("* held: the turn was taken for unfinished at its end\n")


def _cell(each: Heard | PeerHeard) -> str:
    wait = "none" if each.wait is None else f"{each.wait:.0f}"
    return f"{wait}{'*' if each.held else ' '}".rjust(10)


def show_configuration(name: str, configuration: Mapping[str, Any]) -> None:
    """Print a configuration, a line for each part."""
    sys.stdout.write(f"\nconfiguration of {name}\n")
    for part, value in configuration.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{key}={each}" for key, each in value.items())
        sys.stdout.write(f"  {part}: {value}\n")


def keep(run: Run) -> None:
    """Write the configurations and the files' figures beside the results."""
    kept = {
        "acore": own_configuration(),
        "peer": run.configuration,
        "load": run.load,
        "files": [
            {
                "file": ours.item.name,
                "voice": ours.item.voice,
                "acore": {"wait": ours.wait, "held": ours.held, "text": ours.understood},
                "peer": {"wait": peer.wait, "held": peer.held, "text": peer.text},
            }
            for ours, peer in run.pairs()
        ],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{AREA}_files.json").write_text(json.dumps(kept, indent=1) + "\n")


async def measure(options: argparse.Namespace) -> None:
    """Play, compare, print and write."""
    made = await corpus(options.corpus)
    items = made.of("complete")[: options.files]
    run = await one_run(items, made, block=options.block)
    show_configuration("acore", own_configuration())
    show_configuration("the peer", run.configuration)
    show_files(run)
    report(AREA, figures_of(run))
    keep(run)
    sys.stdout.write("All speech is synthetic.\n")


def make_ready() -> None:
    """Install the peer where that is allowed; raises ``NoPeer`` where it is not there."""
    if os.environ.get(MAY_INSTALL) == "1":
        voice_peer.install()
    elif not voice_peer.installed():
        raise NoPeer(
            f"NOTHING IS COMPARED: the peer is not installed; {MAY_INSTALL}=1 installs it."
        )


def main() -> None:
    """Compare, where there is a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20, help="how many complete utterances")
    parser.add_argument("--block", type=int, default=10, help="files before it is the other's turn")
    parser.add_argument("--corpus", type=Path, help="folder to keep the corpus in")
    options = parser.parse_args()
    try:
        make_ready()
        asyncio.run(measure(options))
    except NoPeer as reason:
        sys.stdout.write(f"{reason}\n")


if __name__ == "__main__":
    main()
