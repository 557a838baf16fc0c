"""How people would like to be answered, in their own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.domain.errors import InvalidRequest
from services.domain.ids import AuthorId
from services.domain.people import Author
from services.people.own_choices import OwnChoices
from services.people.scopes import ScopedSetting, ScopeKind

LONGEST_STYLE = 1000
"""Characters a style may have."""

PRESETS: Mapping[str, str] = {
    "concise": "Answer briefly: the point first, few words, no repetition.",
    "detailed": "Answer in depth: give reasons, examples and what else is worth knowing.",
    "beginner": "Assume that I know nothing about the subject: plain words, one step at a time.",
    "technical": "Assume that I know the field: exact terms, numbers, no introductions.",
    "hype": "Be full of energy: cheer me on and celebrate what goes well.",
    "calm": "Be calm and gentle: short, quiet sentences, nothing loud.",
}
"""Styles ready to be chosen, by name."""

ANSWER_STYLE = ScopedSetting(
    "person.answer_style", str, default="", scopes=frozenset({ScopeKind.USER})
)


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """A wish about the form of answers; ``preset`` names the one it was taken from."""

    text: str
    preset: str | None = None


class AnswerStyles:
    """Keeps one style per person; only the person changes it."""

    def __init__(self, own: OwnChoices) -> None:
        self._own = own

    async def of(self, account: AuthorId) -> AnswerStyle | None:
        """Return what whoever has an account chose, if anything."""
        return _style(await self._own.of(ANSWER_STYLE, account))

    async def of_author(self, author: Author | None) -> AnswerStyle | None:
        """Do ``of`` for the author of a message."""
        return _style(await self._own.of_author(ANSWER_STYLE, author))

    async def choose(self, account: AuthorId, text: str) -> AnswerStyle:
        """Keep a style in the person's own words, of at most 1,000 characters.

        Raises ``InvalidRequest`` for the text, ``NotFound`` for an account never seen.
        """
        text = text.strip()
        if not text or len(text) > LONGEST_STYLE:
            raise InvalidRequest(
                "answer_style",
                f"Say in 1 to {LONGEST_STYLE:,} characters how you would like to be answered; "
                f"that has {len(text):,}.",
            )
        await self._own.choose(ANSWER_STYLE, account, text)
        return AnswerStyle(text, _preset(text))

    async def preset(self, account: AuthorId, name: str) -> AnswerStyle:
        """Keep the style called ``name``. Raises ``NotFound``, ``InvalidRequest`` listing all."""
        text = PRESETS.get(name.strip().lower())
        if text is None:
            raise InvalidRequest(
                "answer_style_preset",
                f"There is no style called {name.strip()[:40]}; there are: {', '.join(PRESETS)}.",
            )
        return await self.choose(account, text)

    async def clear(self, account: AuthorId) -> None:
        """Forget the person's style. Raises ``NotFound`` for an account never seen."""
        await self._own.choose(ANSWER_STYLE, account, None)


def _style(text: str) -> AnswerStyle | None:
    return AnswerStyle(text, _preset(text)) if text else None


def _preset(text: str) -> str | None:
    return next((name for name, known in PRESETS.items() if known == text), None)
