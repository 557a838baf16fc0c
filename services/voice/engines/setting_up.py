"""What setting an engine up is given, and what comes of it when it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.settings import VoiceSettings
from services.voice.engines.packaged_models import PackagedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why an engine cannot be used, and what to do about it; two sentences for people.

    ``chosen`` tells that somebody left it out on purpose, as by not naming a server.
    """

    sentence: str
    fix: str
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The settings and the folders of this installation.

    ``models`` are the models that ``make setup`` fetched, by default the environment's own.
    """

    settings: VoiceSettings
    data: Path
    models: Path | None = None

    def own(self, name: str) -> Path:
        """Return the folder for models of a kind that were put there by hand."""
        return self.data / "models" / name

    def fetched(self, model: PackagedModel) -> Path | None:
        """Return the folder of a fetched model, if it is whole."""
        return model.folder(self.models)


def lacking(*modules: str) -> str | None:
    """Return the first of ``modules`` that is not installed; imports none of them."""
    return next((module for module in modules if find_spec(module) is None), None)
