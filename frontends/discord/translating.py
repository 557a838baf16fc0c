"""Commands in the languages of those who use them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation, TranslationContextTypes

LOCALES = Path(__file__).parent / "locales"
"""One file per language, named as Discord names it; the English texts are the keys."""

_UNTRANSLATED = frozenset(
    {
        TranslationContextLocation.command_name,
        TranslationContextLocation.group_name,
        TranslationContextLocation.parameter_name,
    }
)


class Translations(app_commands.Translator):
    """Gives descriptions and choices in every language there is a file for; names stay English.

    Setting it on a command tree reads the files. Texts without a translation stay English.
    """

    def __init__(self, folder: Path = LOCALES) -> None:
        self._folder = folder
        self._texts: Mapping[str, Mapping[str, str]] = {}

    async def load(self) -> None:
        """Read the files."""
        self._texts = await asyncio.to_thread(texts_in, self._folder)

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: TranslationContextTypes,
    ) -> str | None:
        """Return a text in a language, ``None`` where it stays as it is."""
        if context.location in _UNTRANSLATED:
            return None
        return self._texts.get(locale.value, {}).get(string.message)


def texts_in(folder: Path) -> Mapping[str, Mapping[str, str]]:
    """Return the texts of every language by their English; blocking."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.glob("*.json"))
    }
