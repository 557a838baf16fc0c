"""Another voice loop over the same files, to compare with: pipecat, in an environment of its own.

``python -m tests.bench.voice_peer`` installs it under ``.venv-peer`` where it is not there yet,
plays the complete utterances of the corpus, and prints JSON lines: the configuration, then for
each file the end of its speech and when audio came, in milliseconds. Where it cannot be installed
it says so and ends with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.voice.engines.model_catalog import PIPER_JOE, WHISPER_TINY_EN
from tests.bench.voice_corpus import Corpus, Item, corpus

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peer"
REQUIREMENTS = Path(__file__).parent / "voice_peer_requirements.txt"
FIRST_TOKEN_MS, TOKENS_PER_SECOND = 150, 40

_PYTHON = FOLDER / "bin" / "python"
_INSTALLED = FOLDER / ".installed"
_SLACK = 180.0
_LONGEST_FILE = 60.0


class NoPeer(Exception):  # noqa: N818  a circumstance, not an error
    """The peer is not there and cannot be; the text is one sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerHeard:
    """A file and what the peer did while it was played; times in milliseconds of the file."""

    item: Item
    first_audio: Sequence[float]
    audible: Sequence[float]
    text: str
    verdicts: Sequence[Mapping[str, Any]]

    @property
    def ends(self) -> float:
        return self.item.ends * 1000

    @property
    def wait(self) -> float | None:
        """Return how long after the last word a frame of the answer is pushed out."""
        return self._after(self.first_audio)

    @property
    def audible_wait(self) -> float | None:
        """Return how long after the last word the answer rises above -45 dB."""
        return self._after(self.audible)

    @property
    def held(self) -> bool:
        """Whether the turn model took the utterance for unfinished at its end."""
        return bool(self.verdicts) and not self.verdicts[-1]["complete"]

    @property
    def early(self) -> bool:
        return any(start < self.ends for start in self.first_audio)

    def _after(self, times: Sequence[float]) -> float | None:
        return min((each - self.ends for each in times if each >= self.ends), default=None)


def installed() -> bool:
    """Return whether the peer is there as its requirements want it."""
    return _INSTALLED.exists() and _INSTALLED.read_text() == _state()


def install() -> None:
    """Make the environment unless it is there; raises ``NoPeer``."""
    if installed():
        return
    sys.stderr.write(f"Installing the peer into {FOLDER.name} ...\n")
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True, stdout=sys.stderr)
        options = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
        command = [str(_PYTHON), "-m", "pip", "install", *options, "-r", str(REQUIREMENTS)]
        subprocess.run(command, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoPeer(f"THE PEER WAS NOT INSTALLED, so nothing is compared: {error}") from error
    _INSTALLED.write_text(_state())


def _state() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


async def heard_by_peer(
    items: Sequence[Item], made: Corpus
) -> tuple[Mapping[str, Any], list[PeerHeard]]:
    """Let the peer hear files one after the other; return its configuration, too.

    Raises ``NoPeer`` where it ended before it had heard them all, or weights are missing.
    """
    process = await asyncio.create_subprocess_exec(
        str(_PYTHON),
        "-m",
        "tests.bench.voice_peer_pipeline",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_SLACK + _LONGEST_FILE * (len(items) + 1)):
            out, _ = await process.communicate(json.dumps(_task(items, made)).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [json.loads(line) for line in out.decode().splitlines()]
    if process.returncode or len(lines) != len(items) + 1:
        raise NoPeer(f"THE PEER BROKE DOWN with {process.returncode}, so nothing is compared.")
    configuration, *heard = lines
    return configuration["configuration"], [
        PeerHeard(
            item=item,
            first_audio=each["first_audio"],
            audible=each["audible"],
            text=each["text"],
            verdicts=each["verdicts"],
        )
        for item, each in zip(items, heard, strict=True)
    ]


def _task(items: Sequence[Item], made: Corpus) -> Mapping[str, object]:
    whisper, voices = WHISPER_TINY_EN.folder(), PIPER_JOE.folder()
    if whisper is None or voices is None:
        raise NoPeer("THE VOICE MODELS ARE MISSING, so nothing is compared: run `make setup`.")
    return {
        "files": [{"file": str(made.path(item)), "ends": item.ends} for item in items],
        "whisper": str(whisper),
        "piper": str(next(voices.glob("*.onnx"))),
        "pace": (FIRST_TOKEN_MS, TOKENS_PER_SECOND),
    }


def _shown(each: PeerHeard) -> Mapping[str, object]:
    return {
        "file": f"{each.item.name}.wav",
        "end_of_speech": round(each.ends, 1),
        "first_audio": each.first_audio,
        "audible": each.audible,
        "text": each.text,
        "verdicts": each.verdicts,
    }


async def _main(options: argparse.Namespace) -> None:
    made = await corpus(options.corpus)
    items = made.of("complete")[: options.files]
    configuration, heard = await heard_by_peer(items, made)
    for fields in ({"configuration": configuration}, *map(_shown, heard)):
        sys.stdout.write(json.dumps(fields) + "\n")


def main() -> None:
    """Install the peer, play the files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20, help="how many complete utterances")
    parser.add_argument("--corpus", type=Path, help="folder to keep the corpus in")
    options = parser.parse_args()
    try:
        install()
        asyncio.run(_main(options))
    except NoPeer as reason:
        sys.stderr.write(f"{reason}\n")


if __name__ == "__main__":
    main()
