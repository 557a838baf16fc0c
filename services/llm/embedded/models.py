"""Where model files lie, how one is found, and whether it may be loaded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded.catalog import DEFAULT, SMALL
from services.llm.embedded.gguf import GgufHeader, NotGguf, read_header
from services.net.wheels import installed_models

if TYPE_CHECKING:
    from services.settings import EmbeddedSettings

_PART = r"[\w-][\w.-]*"
_HUB_NAME = re.compile(
    rf"(?P<owner>{_PART})/(?P<repo>{_PART})/(?P<file>(?:{_PART}/)*{_PART}\.gguf)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model file that was checked and may be loaded."""

    path: Path
    name: str
    header: GgufHeader


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """A model that is not here yet: where it is fetched from and where it will lie."""

    url: str
    target: Path


class ModelStore:
    """The model files of one installation.

    Looked through in this order: the setting as a path; by name in ``<data>/models`` and in the
    environment's own folder, the coherent default before the small one, then any other file in
    ``<data>/models``; at last a setting of the form ``owner/repo/file.gguf`` is fetched from the
    hub into ``<data>/models``.
    """

    def __init__(
        self, settings: EmbeddedSettings, *, data: Path, installed: Path | None = None
    ) -> None:
        self._wanted = settings.model
        self._hub = settings.hub_url.rstrip("/")
        self._own = data / "models"
        self._folders = (self._own, installed or installed_models())

    async def obtain(self, progress: Callable[[int, int], None] | None = None) -> ModelFile:
        """Find the model, fetch it when only the hub has it, and check that it is whole.

        ``progress`` hears the bytes present and expected during a fetch. Raises ``ProviderError``
        (``MODEL_MISSING``, ``UNREACHABLE``, ``MALFORMED``) with a sentence that says what to do.
        """
        found = await asyncio.to_thread(self.find)
        if isinstance(found, HubModel):
            # Fetching is rare and aiohttp is slow to import.
            from services.llm.embedded.hub import download  # noqa: PLC0415

            await download(found.url, found.target, progress=progress)
            found = found.target
        return await asyncio.to_thread(check, found)

    def find(self) -> Path | HubModel:
        """Say where the model lies without reading it. Raises ``ProviderError`` when nowhere."""
        return self._any() if self._wanted is None else self._named(self._wanted)

    def _any(self) -> Path:
        for model in (DEFAULT, SMALL):
            for folder in self._folders:
                path = folder / model.file_name
                if path.is_file():
                    return path
        if others := sorted(self._own.glob("*.gguf")):
            return others[0]
        raise _missing(None)

    def _named(self, wanted: str) -> Path | HubModel:
        path = Path(wanted).expanduser()
        if path.is_file():
            return path.absolute()
        if Path(wanted).name == wanted:
            stem = wanted.lower().removesuffix(".gguf")
            for folder in self._folders:
                for file in sorted(folder.glob("*.gguf")):
                    if file.stem.lower() == stem:
                        return file
        if match := _HUB_NAME.fullmatch(wanted):
            target = self._own / wanted.replace("/", "--")
            if target.is_file():
                return target
            url = f"{self._hub}/{match['owner']}/{match['repo']}/resolve/main/{match['file']}"
            return HubModel(url=url, target=target)
        raise _missing(wanted)


def check(path: Path) -> ModelFile:
    """Read the header of ``path`` and see that the file is whole.

    Raises ``ProviderError`` (``MALFORMED``) when it is not a complete model file.
    """
    try:
        header = read_header(path)
    except NotGguf as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    else:
        return ModelFile(path=path, name=path.stem, header=header)
    raise ProviderError(
        "embedded",
        ProviderFault.MALFORMED,
        f"The model file {path} cannot be used: it {reason}. "
        "Delete it and run `make setup` or fetch it again.",
    )


def _missing(wanted: str | None) -> ProviderError:
    what = f"The built-in model {wanted} was not found" if wanted else "No built-in model is there"
    return ProviderError(
        "embedded",
        ProviderFault.MODEL_MISSING,
        f"{what}: run `make setup`, set ACORE_EMBEDDED__MODEL to a GGUF file, "
        "or set OLLAMA_HOST to an Ollama server.",
    )
