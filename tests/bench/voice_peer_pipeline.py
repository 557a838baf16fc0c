"""The peer itself: pipecat's voice template with its defaults, over files in real time.

It runs in an environment of its own, where pipecat is; ``tests.bench.voice_peer`` makes that and
starts this. A task comes as JSON on stdin, JSON lines go out on stdout: the configuration, then
one line a file. All times are in milliseconds.
"""

# mypy: disable-error-code="import-not-found,misc,no-untyped-def,untyped-decorator"

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import wave
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    MetricsFrame,
    TranscriptionFrame,
)
from pipecat.metrics.metrics import TurnMetricsData
from pipecat.observers.base_observer import BaseObserver
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.services.llm_service import LLMService
from pipecat.services.piper.tts import PiperTTSService
from pipecat.services.settings import LLMSettings
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from frontends.console.talking.stub_model import answer_to, tokens_of

RATE = 16_000
FRAME_SECONDS = 0.02
_FRAME_BYTES = round(RATE * FRAME_SECONDS) * 2
_AUDIBLE = 10 ** (-45 / 20)
_NO_ANSWER_SECONDS = 12.0
_LONGEST_ANSWER_SECONDS = 40.0
_QUIET_SECONDS = 0.6
_LOOK_SECONDS = 0.05


@dataclass(slots=True)
class Hearing:
    """What happened while a file was played; times are the loop's, in seconds."""

    origin: float | None = None
    starts: list[float] = field(default_factory=list)
    audible: list[float] = field(default_factory=list)
    stopped: float | None = None
    texts: list[str] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    speaking: bool = False
    sounding: bool = False

    def out(self, pcm: bytes, *, rate: int, at: float) -> None:
        """Take a frame that was pushed to the transport."""
        if not self.speaking:
            self.speaking, self.sounding = True, False
            self.starts.append(at)
        if not self.sounding:
            samples = np.abs(np.frombuffer(pcm, np.int16).astype(np.float32)) / 32768
            loud = np.flatnonzero(samples > _AUDIBLE)
            if len(loud):
                self.sounding = True
                self.audible.append(at + loud[0] / rate)

    def end(self, at: float) -> None:
        """Take the end of what was said."""
        self.speaking, self.stopped = False, at


class Stage:
    """What is being heard, between the transport and who plays the files."""

    def __init__(self) -> None:
        self.hearing = Hearing()
        self._pcm = b""

    def play(self, pcm: bytes) -> Hearing:
        """Let a file be heard from the next frame on."""
        self.hearing, self._pcm = Hearing(), pcm
        return self.hearing

    def frame(self, due: float) -> bytes:
        """Return the next 20 ms, whose last sample is due now; silence after a file."""
        if self._pcm and self.hearing.origin is None:
            self.hearing.origin = due - FRAME_SECONDS
        pcm, self._pcm = self._pcm[:_FRAME_BYTES], self._pcm[_FRAME_BYTES:]
        return pcm.ljust(_FRAME_BYTES, b"\0")


class FileInput(BaseInputTransport):
    """20 ms every 20 ms, never drifting from the clock."""

    def __init__(self, stage: Stage, params: TransportParams) -> None:
        super().__init__(params)
        self._stage = stage
        self._feeding: Any = None

    async def start(self, frame) -> None:
        """Begin."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._feeding = self.create_task(self._feed())

    async def cleanup(self) -> None:
        """End."""
        await super().cleanup()
        if self._feeding is not None:
            await self.cancel_task(self._feeding)
            self._feeding = None

    async def _feed(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for number in itertools.count(1):
            due = begun + number * FRAME_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))
            pcm = self._stage.frame(due)
            await self.push_audio_frame(
                InputAudioRawFrame(audio=pcm, sample_rate=RATE, num_channels=1)
            )


class TimedOutput(BaseOutputTransport):
    """Stamps a frame when it is pushed, then takes as long as a loudspeaker would."""

    def __init__(self, stage: Stage, params: TransportParams) -> None:
        super().__init__(params)
        self._stage = stage
        self._free = 0.0

    async def start(self, frame) -> None:
        """Begin."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame) -> bool:
        """Take a frame."""
        now = asyncio.get_running_loop().time()
        self._stage.hearing.out(frame.audio, rate=frame.sample_rate, at=now)
        self._free = max(self._free, now) + len(frame.audio) / 2 / frame.sample_rate
        await asyncio.sleep(self._free - now)
        return True


class StubLlm(LLMService):
    """The same answers at the same pace as ``talk --stub-model`` gives."""

    def __init__(self, *, first_token: float, tokens_per_second: float) -> None:
        super().__init__(
            settings=LLMSettings(
                model="stub",
                system_instruction=None,
                temperature=None,
                max_tokens=None,
                top_p=None,
                top_k=None,
                frequency_penalty=None,
                presence_penalty=None,
                seed=None,
                filter_incomplete_user_turns=False,
                user_turn_completion_config=None,
            )
        )
        self._first_token = first_token
        self._tokens_per_second = tokens_per_second

    async def process_frame(self, frame, direction) -> None:
        """Answer a context, let everything else pass."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            await self._answer(_question(frame.context))
        finally:
            await self.push_frame(LLMFullResponseEndFrame())

    async def _answer(self, question: str) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._first_token
        for token in tokens_of(answer_to(question)):
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += 1 / self._tokens_per_second
            await self.push_frame(LLMTextFrame(token))


def _question(context: Any) -> str:
    for message in reversed(context.get_messages()):
        if message.get("role") == "user":
            return str(message.get("content", ""))
    return ""


class Notes(BaseObserver):
    """Writes down transcripts, verdicts of the turn model, and ends of what is said."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(observe_every_push=False)
        self._stage = stage

    async def on_push_frame(self, data) -> None:
        """Take a frame."""
        hearing = self._stage.hearing
        match data.frame:
            case BotStoppedSpeakingFrame():
                hearing.end(asyncio.get_running_loop().time())
            case TranscriptionFrame(text=text):
                hearing.texts.append(text.strip())
            case MetricsFrame(data=metrics):
                hearing.verdicts += [
                    {"complete": each.is_complete, "probability": round(each.probability, 3)}
                    for each in metrics
                    if isinstance(each, TurnMetricsData)
                ]


class Bot:
    """The template's cascade: transport, STT, user, LLM, TTS, transport, assistant."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.stage = Stage()
        params = TransportParams(audio_in_enabled=True, audio_out_enabled=True)
        self.stt = WhisperSTTService(
            compute_type="int8", settings=WhisperSTTService.Settings(model=task["whisper"])
        )
        voice = Path(task["piper"])
        self.tts = PiperTTSService(
            download_dir=voice.parent, settings=PiperTTSService.Settings(voice=voice.stem)
        )
        first_token, rate = task["pace"]
        llm = StubLlm(first_token=first_token / 1000, tokens_per_second=rate)
        self.context = LLMContext()
        self.user_params = LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
        user, assistant = LLMContextAggregatorPair(self.context, user_params=self.user_params)
        pipeline = Pipeline(
            [
                FileInput(self.stage, params),
                self.stt,
                user,
                llm,
                self.tts,
                TimedOutput(self.stage, params),
                assistant,
            ]
        )
        self.params = PipelineParams(enable_metrics=True, enable_usage_metrics=True)
        self.transport = params
        self.worker = PipelineWorker(pipeline, params=self.params, observers=[Notes(self.stage)])

    def configuration(self) -> dict[str, Any]:
        """Return all that decides how soon it answers, as it really is."""
        user = self.user_params
        turns = user.user_turn_strategies or UserTurnStrategies()
        smart_turn = turns.stop[0]._turn_analyzer
        return {
            "versions": {
                name: version(name)
                for name in (
                    "pipecat-ai",
                    "faster-whisper",
                    "ctranslate2",
                    "piper-tts",
                    "onnxruntime",
                )
            },
            "VAD": {"analyzer": "SileroVADAnalyzer", **user.vad_analyzer.params.model_dump()},
            "turn start": [type(each).__name__ for each in turns.start],
            "turn end": {
                "strategy": [type(each).__name__ for each in turns.stop],
                "analyzer": type(smart_turn).__name__,
                "model": "smart-turn-v3.2-cpu.onnx, from the package",
                **smart_turn.params.model_dump(),
                "user_turn_stop_timeout": user.user_turn_stop_timeout,
                "audio_idle_timeout": user.audio_idle_timeout,
            },
            "speech to text": {
                "service": "WhisperSTTService",
                "model": Path(self.stt._settings.model).name,
                "device": self.stt._device,
                "compute_type": f"{self.stt._compute_type}, the one change: as acore's",
                "no_speech_prob": self.stt._settings.no_speech_prob,
                "language": str(self.stt._settings.language),
                "trailing_silence_secs": self.stt._trailing_silence_secs,
                "beam_size": "5, faster-whisper's default",
                "threads": f"CTranslate2's default; OMP_NUM_THREADS "
                f"{os.environ.get('OMP_NUM_THREADS', 'unset')}",
            },
            "text to speech": {
                "service": "PiperTTSService",
                "voice": self.tts._settings.voice,
                "text_aggregation_mode": str(self.tts._text_aggregation_mode),
                "threads": "ONNX Runtime's default",
            },
            "pipeline": {
                "audio_in_sample_rate": self.params.audio_in_sample_rate,
                "audio_out_sample_rate": self.params.audio_out_sample_rate,
                "audio_out_10ms_chunks": self.transport.audio_out_10ms_chunks,
                "enable_metrics": self.params.enable_metrics,
                "enable_usage_metrics": self.params.enable_usage_metrics,
            },
            "left out": "the greeting, and log lines below WARNING",
            "warmed": "the first file of a block is played once before it counts",
        }


async def hear(bot: Bot, path: Path) -> tuple[Hearing, float]:
    """Play a file to its answer's end; return what happened and when the file began."""
    loop = asyncio.get_running_loop()
    with wave.open(str(path), "rb") as reader:
        pcm = reader.readframes(reader.getnframes())
    bot.context.set_messages([])
    hearing = bot.stage.play(pcm)
    over = loop.time() + len(pcm) / 2 / RATE
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = loop.time()
        answered = any(start >= over for start in hearing.starts)
        patience = _LONGEST_ANSWER_SECONDS if answered else _NO_ANSWER_SECONDS
        if now > over + patience:
            break
        if answered and not hearing.speaking and now > (hearing.stopped or now) + _QUIET_SECONDS:
            break
    return hearing, hearing.origin or over


def line(file: str, ends: float, hearing: Hearing, origin: float) -> dict[str, Any]:
    """Return what is told of a file; times are on its own clock, ``ends`` from the corpus."""

    def on_its_clock(times: list[float]) -> list[float]:
        return [round((each - origin) * 1000, 1) for each in times]

    return {
        "file": file,
        "end_of_speech": round(ends * 1000, 1),
        "first_audio": on_its_clock(hearing.starts),
        "audible": on_its_clock(hearing.audible),
        "text": " ".join(hearing.texts),
        "verdicts": hearing.verdicts,
    }


async def run(task: dict[str, Any], tell) -> None:
    """Play every file of a task."""
    bot = Bot(task)
    tell({"configuration": bot.configuration()})
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(bot.worker)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(runner.run())
        files = task["files"]
        await hear(bot, Path(files[0]["file"]))
        for each in files:
            hearing, origin = await hear(bot, Path(each["file"]))
            tell(line(each["file"], each["ends"], hearing, origin))
        await runner.cancel()


def main() -> None:
    """Do what stdin says; everything but lines for the caller goes to stderr."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(fields: dict[str, Any]) -> None:
        out.write(json.dumps(fields) + "\n")
        out.flush()

    asyncio.run(run(json.load(sys.stdin), tell))


if __name__ == "__main__":
    main()
