"""Which pictures may be asked for."""

from __future__ import annotations

import pytest

from services.domain.errors import NotAllowed
from services.domain.ids import ConversationId
from services.images.screening import ScreenPrompt, Standing, screened

PLACE = ConversationId("test", "local", "main")


def rules(standing: Standing) -> ScreenPrompt:
    async def screen(_prompt: str, _place: ConversationId) -> Standing:
        return standing

    return screen


@pytest.mark.parametrize(
    "prompt",
    ["a lighthouse at night", "a sextant on a chart", "a kind man from Essex", "two grapes"],
)
@pytest.mark.parametrize("standing", ["adults", "everybody"])
async def test_harmless_words_pass_everywhere(prompt: str, standing: Standing) -> None:
    assert await screened(prompt, PLACE, rules(standing)) == standing


@pytest.mark.parametrize(
    "prompt",
    ["a nude on a beach", "NAKED man", "p0rn", "ｎｕｄｅ woman", "etwas Erotisches, nackte"],
)
async def test_explicit_words_are_for_adults(prompt: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        await screened(prompt, PLACE, rules("everybody"))
    assert refused.value.code == "picture_adults"
    await screened(prompt, PLACE, rules("adults"))


@pytest.mark.parametrize("prompt", ["nude 14 year old", "sexy schoolgirl", "naked children"])
async def test_children_are_never_shown_that_way(prompt: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        await screened(prompt, PLACE, rules("adults"))
    assert refused.value.code == "picture_refused"


async def test_words_that_the_place_forbids_are_refused() -> None:
    with pytest.raises(NotAllowed) as refused:
        await screened("a clown", PLACE, rules("forbidden"))
    assert refused.value.code == "picture_words"
