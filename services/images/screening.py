"""Which pictures may be asked for, by the words that describe them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from services.domain.errors import NotAllowed
from services.domain.ids import ConversationId

Standing: TypeAlias = Literal["adults", "everybody", "forbidden"]
"""Who a place is for, or that its rules forbid some of the words."""

ScreenPrompt: TypeAlias = Callable[[str, ConversationId], Awaitable[Standing]]
"""Tells what the rules of a place, and of the whole installation, say to a prompt."""

_EXPLICIT = re.compile(
    r"\b(nsfw|nude|nudes|nudity|naked|topless|porn\w*|hentai|erotic\w*|sex|sexual\w*|sexy"
    r"|lingerie|undress\w*|genital\w*|penis|vagina|nipples?|orgasm\w*|blowjob|masturbat\w*"
    r"|nackt\w*|erotisch\w*|entkleidet|gore|gory|beheaded|dismember\w*)\b"
)
_MINORS = re.compile(
    r"\b(child|children|kid|kids|minor|minors|teen|teens|teenage\w*|underage\w*|toddler\w*|infant"
    r"|baby|schoolgirl\w*|schoolboy\w*|little (girl|boy)s?|loli\w*|shota\w*|kind|kinder"
    r"|minderj\w*|m[aä]dchen|jungen?|(\d|1[0-7])[- ]?(years?[- ]old|yo|j[aä]hrig\w*))\b"
)
_LEET = str.maketrans("013457@$", "oieastas")

KEPT_OUT = "nsfw, nudity, gore"
"""What pictures are not to show where not everybody is an adult."""


async def screened(prompt: str, place: ConversationId, screen: ScreenPrompt) -> Standing:
    """Return whom the place is for; raises ``NotAllowed`` for a prompt that is not wanted there.

    Beyond the rules of the place, explicit words are for adults, and never together with children.
    """
    standing = await screen(prompt, place)
    if standing == "forbidden":
        raise NotAllowed(
            "picture_words", "That has words in it that are not wanted here; put it differently."
        )
    folded = unicodedata.normalize("NFKC", prompt).casefold()
    forms = (folded, folded.translate(_LEET))
    if any(map(_EXPLICIT.search, forms)):
        if any(map(_MINORS.search, forms)):
            raise NotAllowed("picture_refused", "Such a picture is not made.")
        if standing != "adults":
            raise NotAllowed(
                "picture_adults", "Such pictures are made in age-restricted places only."
            )
    return standing
