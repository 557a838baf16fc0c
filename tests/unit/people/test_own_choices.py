"""What people choose for themselves: how they are answered, and what time it is for them."""

from __future__ import annotations

import pytest

from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import AuthorId
from services.domain.people import Author, AuthorKind
from services.people.answer_style import PRESETS, AnswerStyles
from services.people.own_choices import OwnChoices
from services.people.privacy import Privacy, PrivacyChoices
from services.people.repository import PeopleRepository
from services.people.scopes import ScopedSettings
from services.people.timezones import Timezones, zone, zone_name
from tests.unit.storage.samples import ALICE, BOB, database_in


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def own(database, clock, ids):
    people = PeopleRepository(ids)
    async with database.transaction() as tx:
        for one in (ALICE, BOB):
            await people.ensure(tx, one, at=clock.now())
    return OwnChoices(ScopedSettings(database, clock=clock), database=database, people=people)


@pytest.fixture
def styles(own):
    return AnswerStyles(own)


async def test_a_style_belongs_to_one_person_and_can_be_taken_back(styles):
    chosen = await styles.choose(ALICE.id, "  In rhymes, please. ")
    assert (chosen.text, chosen.preset) == ("In rhymes, please.", None)
    assert await styles.of(ALICE.id) == chosen
    assert await styles.of(BOB.id) is None
    await styles.clear(ALICE.id)
    assert await styles.of(ALICE.id) is None


@pytest.mark.parametrize("name", ["concise", "detailed", "beginner", "technical", "hype", "calm"])
async def test_a_preset_is_known_again_by_its_name(styles, name):
    await styles.preset(ALICE.id, name.upper())
    kept = await styles.of(ALICE.id)
    assert (kept.preset, kept.text) == (name, PRESETS[name])


async def test_what_cannot_be_kept_is_refused_in_one_sentence(styles):
    for text in ("", "   ", "x" * 1001):
        with pytest.raises(InvalidRequest, match="1,000"):
            await styles.choose(ALICE.id, text)
    with pytest.raises(InvalidRequest, match="hype"):
        await styles.preset(ALICE.id, "grumpy")
    with pytest.raises(NotFound, match="Say something first"):
        await styles.choose(AuthorId("discord", "nobody"), "x" * 1000)
    assert await styles.of(AuthorId("discord", "nobody")) is None


async def test_an_account_linked_later_has_the_persons_style(styles, own, database):
    await styles.preset(ALICE.id, "calm")
    async with database.transaction() as tx:
        await own._people.link(tx, ALICE.id, BOB.id)
    own._scopes.refresh()
    assert (await styles.of(BOB.id)).preset == "calm"


async def test_machines_have_no_style(styles):
    await styles.preset(ALICE.id, "calm")
    bot = Author(id=ALICE.id, display_name="Alice", kind=AuthorKind.BOT)
    assert await styles.of_author(bot) is None
    assert await styles.of_author(None) is None
    assert await styles.of_author(ALICE) is not None


async def test_a_privacy_choice_leaves_the_others_as_they_were(own, database):
    privacy = Privacy(own)
    await privacy.choose(ALICE.id, recall=False)
    await privacy.choose(ALICE.id, reach="here")
    chosen = PrivacyChoices(learn=True, recall=False, reach="here")
    assert await privacy.chosen_by(ALICE.id) == chosen
    assert await privacy.chosen_by(BOB.id) == PrivacyChoices()
    async with database.transaction() as tx:
        await own._people.link(tx, ALICE.id, BOB.id)
    assert await privacy.chosen_by(BOB.id) == chosen


async def test_privacy_of_somebody_never_seen_is_neither_shown_nor_stored(own):
    nobody = AuthorId("discord", "nobody")
    for asked in (Privacy(own).chosen_by(nobody), Privacy(own).choose(nobody, learn=False)):
        with pytest.raises(NotFound, match="Say something first"):
            await asked


@pytest.mark.parametrize(
    ("text", "name"),
    [("Europe/Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
     ("berlin", "Europe/Berlin"), ("america/new york", "America/New_York"), ("utc", "UTC")],
)  # fmt: skip
def test_zones_are_found_as_people_write_them(text, name):
    assert zone_name(text) == name


@pytest.mark.parametrize("text", ["Europe/Berlni", "nowhere at all", "../../etc/passwd", ""])
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(InvalidRequest, match="no time zone"):
        zone_name(text)


@pytest.mark.parametrize("name", ["", None, "Gone/Away", "/etc/passwd", "America", "\x00"])
def test_a_zone_that_is_not_there_is_the_machines(name):
    assert zone(name) is None


async def test_a_zone_belongs_to_one_person(own):
    timezones = Timezones(own)
    assert await timezones.choose(ALICE.id, "tokyo") == "Asia/Tokyo"
    assert await timezones.of(ALICE.id) == "Asia/Tokyo"
    assert await timezones.of(BOB.id) is None
    await timezones.clear(ALICE.id)
    assert await timezones.of_author(ALICE) is None
