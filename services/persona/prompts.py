"""The wording of prompts, kept as Jinja templates in ``prompts/<area>/<name>.md.j2``."""

from __future__ import annotations

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateNotFound
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

    def names(self, area: str) -> list[str]:
        """Return the names of the templates in ``area``, sorted."""
        listed = self._environment.list_templates(
            filter_func=lambda path: path.startswith(f"{area}/") and path.endswith(".md.j2")
        )
        return [path.removeprefix(f"{area}/").removesuffix(".md.j2") for path in listed]

    def knows(self, name: str) -> bool:
        """Say whether there is a template ``name``; one outside the folder is none."""
        try:
            self._environment.get_template(f"{name}.md.j2")
        except TemplateNotFound:
            return False
        return True
