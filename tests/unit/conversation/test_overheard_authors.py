"""What somebody said to nobody is forgotten with them."""

from __future__ import annotations

from services.conversation.overheard import Overheard
from services.domain.ids import UlidSource
from tests.fakes.clock import ManualClock
from tests.unit.storage.samples import ALICE, BOB, PLACE, Said


def test_what_an_account_said_is_dropped_everywhere_and_nothing_else(
    clock: ManualClock, ids: UlidSource
) -> None:
    overheard, said = Overheard(clock), Said(ids, clock)
    for author in (ALICE, BOB, ALICE):
        overheard.add(said(f"by {author.display_name}", author))
    overheard.forget_authors({ALICE.id})
    assert [message.text for message in overheard.recent(PLACE)] == ["by Bob"]
