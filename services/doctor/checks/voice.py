"""Calls: what listens and speaks in them, its models, and what Discord's sound needs."""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import importlib.metadata
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from services.doctor.check import Case, Check, Finding, Found, fine, problem, skipped, warning
from services.domain.errors import ProviderError
from services.voice.engines.ears_choices import english_only
from services.voice.engines.model_catalog import EVERY, SMART_TURN
from services.voice.engines.packaged_models import installed_voice_models, silero_model
from services.voice.engines.registry import EARS, SPEECH, ears_engine
from services.voice.engines.setting_up import Missing, Site

DISCORD_PY = "2.7"
"""The version of discord.py whose insides calls stand on."""

_SETUP = "Run `make setup`, which installs it."
_LIBRARIES = {
    "nacl": ("PyNaCl", "nothing sent or received in calls can be encrypted"),
    "davey": ("davey", "Discord's calls, which are encrypted from end to end, stay silent"),
    "av": ("av (PyAV)", "neither Edge's voices nor files of sound can be decoded"),
}
_OPUS_FILES = "libopus*.so*"


def _site(case: Case) -> Site:
    return Site(settings=case.loaded.voice, data=case.data, models=case.voice_models)


async def _speech(case: Case) -> Found:
    settings = case.loaded.voice
    if not settings.enabled:
        return skipped("Calls are switched off.")
    site = _site(case)
    found = await asyncio.to_thread(lambda: {name: SPEECH[name](site) for name in settings.speech})
    missing = [each for each in found.values() if isinstance(each, Missing)]
    usable = [name for name, each in found.items() if not isinstance(each, Missing)]
    if not usable:
        reasons = [each for each in missing if not each.chosen] or missing
        told = " ".join(each.sentence for each in reasons)
        fix = reasons[0].fix if reasons else "Name an engine in voice.speech."
        return warning(f"Nothing can speak in calls. {told}".strip(), fix=fix, cause="dependency")
    findings = [fine(f"What speaks in calls, in this order: {', '.join(usable)}.")]
    if "speech" in settings.model_fields_set:
        findings += [_lacking(each) for each in missing]
    return findings


async def _supertonic(case: Case) -> Found:
    """Let it say a word, since its files come from elsewhere and only that shows they are whole."""
    settings = case.loaded.voice
    if not settings.enabled or "supertonic" not in settings.speech:
        return skipped("Supertonic is not to speak in calls.")
    site = _site(case)
    if not site.own("supertonic").is_dir():
        return skipped("Supertonic is not here, and nothing needs it.")
    choice = await asyncio.to_thread(SPEECH["supertonic"], site)
    if isinstance(choice, Missing):
        return warning(choice.sentence, fix=choice.fix, cause="data")
    try:
        await choice.engine.open()
    except ProviderError as error:
        sentence, _, fix = error.user_message.partition(". ")
        return warning(f"{sentence.rstrip('.')}.", fix=fix or "Run it again.", cause="data")
    finally:
        await choice.engine.close()
    return fine("Supertonic speaks.")


async def _ears(case: Case) -> Finding:
    settings = case.loaded.voice
    if not settings.enabled or settings.ears == "none":
        return skipped("Nobody is listened to in calls.")
    name = ears_engine(settings)
    site = _site(case)
    ears = await asyncio.to_thread(EARS[name], site)
    if isinstance(ears, Missing):
        return _lacking(ears)
    english = name == "faster-whisper" and english_only(site)
    more = " It understands English only; voice.ears_model = base knows others." if english else ""
    return fine(f"What listens in calls: {name}.{more}")


async def _turns(case: Case) -> Found:
    if not case.loaded.voice.enabled:
        return skipped("Calls are switched off.")
    findings = []
    if silero_model() is None:
        findings.append(
            warning(
                "The detector of speech (Silero, in the package faster-whisper) is not installed, "
                "so speech in calls is told by loudness alone.",
                fix="Run `make setup`.",
                cause="dependency",
            )
        )
    if SMART_TURN.folder(case.voice_models) is None:
        findings.append(
            warning(
                f"The model {SMART_TURN.label} is not installed, so ends of turns in calls are "
                "told by words and pauses alone.",
                fix="Run `make model`, which fetches it.",
                cause="dependency",
            )
        )
    return findings or fine("The models that tell speech and ends of turns are there.")


async def _models(case: Case) -> Found:
    folder = case.voice_models or installed_voice_models()
    there = [model for model in EVERY if model.folder(folder) is not None]
    if not there:
        return skipped("No voice models were fetched.")
    findings = []
    for model in there:
        try:
            await asyncio.to_thread(model.verified, folder)
        except ProviderError as error:
            findings.append(
                problem(
                    error.user_message.partition(";")[0] + ".",
                    fix=f"Delete {folder / model.folder_name} and run `make model`.",
                    cause="data",
                )
            )
    labels = ", ".join(model.label for model in there)
    return findings or fine(f"The fetched voice models are whole: {labels}.")


async def _discord(case: Case) -> Found:
    if not (case.loaded.voice.enabled and case.loaded.discord.enabled):
        return skipped("There are no calls on Discord.")
    findings = list(_libraries())
    if not await asyncio.to_thread(_opus_loads):
        findings.append(
            warning(
                "There is no Opus library, so that nothing can be heard or said in Discord's "
                "calls.",
                fix="Run `make setup`, whose package av brings one, or install your system's, "
                "such as libopus0.",
                cause="dependency",
            )
        )
    return findings or fine("What Discord's calls need is installed.")


def _libraries() -> Iterator[Finding]:
    for module, (package, loss) in _LIBRARIES.items():
        if find_spec(module) is None:
            yield warning(
                f"The package {package} is not installed, so that {loss}.",
                fix=_SETUP,
                cause="dependency",
            )
    try:
        version = importlib.metadata.version("discord.py")
    except importlib.metadata.PackageNotFoundError:
        return  # the check of all packages tells of it
    if not f"{version}.".startswith(f"{DISCORD_PY}."):
        yield warning(
            f"discord.py {version} is installed, but calls stand on the insides of {DISCORD_PY}.",
            fix="Run `make setup`, which installs the version that was tested.",
            cause="dependency",
        )


def _opus_loads() -> bool:
    return any(_loads(name) for name in opus_candidates())


def opus_candidates() -> Iterator[str]:
    """Yield where an Opus library may be: beside PyAV, then the system's."""
    found = find_spec("av")
    if found is not None and found.origin is not None:
        yield from map(str, sorted((Path(found.origin).parents[1] / "av.libs").glob(_OPUS_FILES)))
    if (system := ctypes.util.find_library("opus")) is not None:
        yield system


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name).opus_get_version_string  # noqa: B018  raises where it is missing
    except (OSError, AttributeError):
        return False
    return True


def _lacking(missing: Missing) -> Finding:
    return warning(
        missing.sentence, fix=missing.fix, cause="settings" if missing.chosen else "dependency"
    )


CHECKS = (
    Check(name="voice_speech", area="voice", examine=_speech),
    Check(name="voice_supertonic", area="voice", examine=_supertonic, seconds=60.0),
    Check(name="voice_ears", area="voice", examine=_ears),
    Check(name="voice_turns", area="voice", examine=_turns),
    Check(name="voice_models", area="voice", examine=_models, seconds=60.0),
    Check(name="voice_discord", area="voice", examine=_discord),
)
