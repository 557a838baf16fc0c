"""The setup: which model, whose name, which character, and a first answer."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from frontends.console.asking import Asking
from frontends.console.config_editing import (
    NotEditable,
    Value,
    edited_dotenv,
    edited_toml,
    write_atomically,
)
from frontends.console.model_choice import ModelChoice, chosen_model, model_variables
from services.configuration import ALIASES
from services.doctor.check import Models
from services.doctor.trial import tried
from services.domain.clock import Clock
from services.domain.errors import AcoreError, ConfigurationError, StorageError
from services.persona.library import CharacterLibrary
from services.settings import Settings
from services.settings_files import CONFIG_NAME, DOTENV_NAME, read_dotenv
from services.settings_schema import setting_fields
from services.storage.location import database_path

if TYPE_CHECKING:
    from frontends.console.invocation import SettingsSource

OpenModels = Callable[[Settings], AbstractAsyncContextManager[Models]]

_TRIAL_SECONDS = 240.0
_OWNER_ONLY = 0o600
_HINT = "main.py setup chooses another model or character."


def first_run_hint(settings: Settings, environ: Mapping[str, str], cwd: Path) -> str | None:
    """Return a line for somebody who starts acore for the first time with nothing configured.

    Ask before the database is opened: one that is there means that it is not the first time.
    """
    try:
        used = database_path(settings.storage).exists()
        variables = {**read_dotenv(cwd / DOTENV_NAME), **environ}
    except ConfigurationError:
        return None
    if used or (cwd / CONFIG_NAME).exists() or any(map(variables.get, model_variables())):
        return None
    return _HINT


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be written: settings by path, and secrets by variable."""

    values: Mapping[str, Value] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


class Wizard:
    """Asks, tries, and then writes ``config.toml`` and ``.env``; before that it changes nothing."""

    def __init__(
        self, source: SettingsSource, asking: Asking, *, models: OpenModels, clock: Clock
    ) -> None:
        self._source = source
        self._asking = asking
        self._models = models
        self._clock = clock
        self._config = source.cwd / (source.config or CONFIG_NAME)
        self._dotenv = source.cwd / DOTENV_NAME

    async def run(self, settings: Settings) -> int:
        """Set acore up and return the exit code.

        Raises ``InvalidRequest`` when the answers end too early, ``KeyboardInterrupt`` at Ctrl-C;
        nothing was written then.
        """
        say = self._asking.say
        say("Enter takes what stands in brackets; Ctrl-C leaves without writing anything.\n")
        choice = await chosen_model(settings, self._asking)
        plan = self._changes(settings, choice, await self._person(settings))
        if not plan.values and not plan.secrets:
            say("\nThat is how it is set up already; there is nothing to write.")
            return 0
        text = self._edited(plan)
        wanted = await asyncio.to_thread(self._as_it_would_be, text, plan)
        satisfied = await self._try(wanted, choice)
        self._show(settings, plan)
        if not self._asking.agreed("Write this?", default=satisfied):
            say("Nothing was written.")
            return 0
        await asyncio.to_thread(self._write, text, plan)
        self._warn_of_variables(wanted, plan)
        say("Done. Start acore with: main.py run")
        return 0

    async def _person(self, settings: Settings) -> Mapping[str, Value]:
        asking, persona = self._asking, settings.persona
        name = asking.ask("\nWhat shall characters call you", default=persona.user_name)
        library = CharacterLibrary(
            persona.characters, settings.storage.data / "characters", default=persona.default
        )
        await library.reload()
        characters = library.all()
        if not characters:
            return {"persona.user_name": name}
        asking.say("\nWho do you want to talk to?")
        slugs = [each.slug for each in characters]
        default = slugs.index(persona.default) if persona.default in slugs else 0
        options = [f"{each.slug}  {each.name}" for each in characters]
        chosen = slugs[asking.choose("Character", options, default=default)]
        return {"persona.user_name": name, "persona.default": chosen}

    def _changes(
        self, settings: Settings, choice: ModelChoice, person: Mapping[str, Value]
    ) -> Plan:
        """Keep only what differs from the settings there are."""
        values = {
            path: value
            for path, value in {**choice.values, **person}.items()
            if _present(settings, path) != value
        }
        return Plan(values=values, secrets=choice.secrets)

    def _edited(self, plan: Plan) -> str:
        before = self._config.read_text("utf-8-sig") if self._config.exists() else ""
        try:
            return edited_toml(before, plan.values) if plan.values else before
        except NotEditable as error:
            lines = ", ".join(f"{path} = {_readable(value)}" for path, value in plan.values.items())
            raise ConfigurationError(
                "setup_not_editable",
                f"{self._config.name} is written in a way that setup cannot change without risk; "
                f"put this into it yourself: {lines}.",
            ) from error

    def _as_it_would_be(self, text: str, plan: Plan) -> Settings:
        with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            source = replace(
                self._source,
                config=Path(file.name),
                environ={**self._source.environ, **plan.secrets},
            )
            return source.load()

    async def _try(self, settings: Settings, choice: ModelChoice) -> bool:
        """Show a first answer; tell whether there is one, or none could be expected yet."""
        say = self._asking.say
        if choice.not_yet is not None:
            say(f"\n{choice.not_yet}")
            return True
        say("\nAsking the model to say hello; the first time it may take a while ...")
        try:
            async with self._models(settings) as models:
                trial = await tried(models, clock=self._clock, seconds=_TRIAL_SECONDS)
        except AcoreError as error:
            say(f"That did not work: {error.user_message}")
            return False
        say(f"{trial.model}: {trial.text}")
        say(f"(first words after {trial.first:.1f} s)")
        return True

    def _show(self, settings: Settings, plan: Plan) -> None:
        say = self._asking.say
        if plan.values:
            rest = "; everything else in it stays" if self._config.exists() else ", a new file"
            say(f"\nThis goes into {self._config.name}{rest}:")
        for path, value in plan.values.items():
            before = _present(settings, path)
            was = f"   (was {_readable(before)})" if before is not None else ""
            say(f"  {path} = {_readable(value)}{was}")
        for variable in plan.secrets:
            say(f"This goes into {DOTENV_NAME}, which only you can read:\n  {variable} = ***")

    def _write(self, text: str, plan: Plan) -> None:
        try:
            if plan.secrets:
                variables = self._dotenv.read_text("utf-8-sig") if self._dotenv.exists() else ""
                for variable, secret in plan.secrets.items():
                    variables = edited_dotenv(variables, variable, secret)
                write_atomically(self._dotenv, variables, mode=_OWNER_ONLY)
            if plan.values:
                write_atomically(self._config, text)
        except NotEditable as error:
            raise ConfigurationError(
                "setup_not_editable",
                f"{DOTENV_NAME} is written in a way that setup cannot change without risk; put "
                f"{' and '.join(plan.secrets)} into it yourself.",
            ) from error
        except OSError as error:
            raise StorageError(
                "setup_not_written",
                f"The settings cannot be written in {self._config.parent}: {error.strerror}.",
            ) from error

    def _warn_of_variables(self, settings: Settings, plan: Plan) -> None:
        """Name what decides over the file just written."""
        ignored = [path for path, value in plan.values.items() if _present(settings, path) != value]
        fields, dotenv = setting_fields(Settings), read_dotenv(self._dotenv)
        for path in ignored:
            names = [fields[path].variable, *(a.variable for a in ALIASES if a.path == path)]
            for variables, where in ((self._source.environ, "the environment"), (dotenv, ".env")):
                for name in names:
                    if variables.get(name):
                        self._asking.say(
                            f"{name} in {where} decides over {path}; delete it, or nothing changes."
                        )
        for variable in plan.secrets:
            if self._source.environ.get(variable):
                self._asking.say(
                    f"{variable} in the environment decides over {DOTENV_NAME}; delete it there."
                )


def _present(settings: Settings, path: str) -> Value | None:
    section, _, name = path.partition(".")
    value = getattr(getattr(settings, section), name)
    return value if isinstance(value, str | int | float | bool) else None


def _readable(value: Value | None) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
