"""The wording of prompts, kept as Jinja templates in ``prompts/<area>/<name>.md.j2``."""

from __future__ import annotations

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment


class PromptLibrary:
    """Renders templates; an undefined name is a programming error and raises."""

    def __init__(self, folder: Path) -> None:
        self._environment = SandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )

    def render(self, name: str, **values: object) -> str:
        """Return template ``name`` (``area/name``) filled with ``values``, stripped."""
        return self._environment.get_template(f"{name}.md.j2").render(**values).strip()
