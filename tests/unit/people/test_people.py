"""People, roles and settings: one answer to who, may and how."""

import asyncio
from contextlib import asynccontextmanager
from typing import cast

import pytest
from sqlalchemy import select, text, update

from services.conversation.history import History
from services.domain.errors import InvalidRequest, NotAllowed, NotFound
from services.domain.ids import AuthorId, ConversationId, PersonId
from services.domain.people import Author, Role
from services.people.permissions import Permissions, Standing
from services.people.repository import PeopleRepository
from services.people.scopes import Asker, Scope, ScopedSetting, ScopedSettings, ScopeKind
from services.storage.database import Database
from services.storage.tables import people, scoped_settings
from tests.unit.storage.samples import ALICE, BOB, PLACE, Said, database_in

BESIDE = ConversationId("discord", "1", "3")
ELSEWHERE = ConversationId("discord", "9", "9")


@pytest.fixture
async def database(tmp_path, clock):
    async with database_in(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def repository(ids):
    return PeopleRepository(ids)


@pytest.fixture
def statements(database):
    """Count the statements the writer runs."""
    from sqlalchemy import event

    ran = []
    engine = database._writer._engine
    event.listen(engine, "before_cursor_execute", lambda *args: ran.append(args[2]))
    return ran


class TestPeople:
    """An account is somebody, always the same."""

    async def ensure(self, database, repository, author, clock):
        async with database.transaction() as tx:
            return await repository.ensure(tx, author, at=clock.now())

    async def test_first_sight_makes_a_person_and_later_sights_cost_nothing(
        self, database, repository, clock, statements, ids
    ):
        first = await self.ensure(database, repository, ALICE, clock)
        statements.clear()
        assert await self.ensure(database, repository, ALICE, clock) == first
        assert statements == []
        assert await self.ensure(database, PeopleRepository(ids), ALICE, clock) == first
        assert await self.ensure(database, repository, BOB, clock) != first

    async def test_a_new_name_is_noted(self, database, repository, clock):
        person = await self.ensure(database, repository, ALICE, clock)
        renamed = Author(id=ALICE.id, display_name="Alicia")
        assert await self.ensure(database, repository, renamed, clock) == person
        async with database.reader() as snapshot:
            (account,) = await repository.accounts(snapshot, person)
        assert (account.id, account.display_name) == (ALICE.id, "Alicia")

    async def test_a_rolled_back_person_is_not_remembered(self, database, repository, clock):
        async def fail():
            async with database.transaction() as tx:
                await repository.ensure(tx, ALICE, at=clock.now())
                raise KeyError

        with pytest.raises(KeyError):
            await fail()
        person = await self.ensure(database, repository, ALICE, clock)
        async with database.reader() as snapshot:
            stored = await snapshot.run(lambda c: c.execute(select(people.c.id)).scalars().all())
        assert stored == [person]

    async def test_linking_joins_accounts_messages_and_settings(
        self, database, repository, clock, ids
    ):
        web = Author(id=AuthorId("web", "a"), display_name="alice")
        kept = await self.ensure(database, repository, ALICE, clock)
        clock.advance(1)
        merged = await self.ensure(database, repository, web, clock)
        settings = ScopedSettings(database, clock=clock)
        for person, volume in ((kept, 3), (merged, 7)):
            await settings.set(VOLUME, Scope.user(person), volume, asker=OWNER)
        await settings.set(TONE, Scope.user(merged), "dry", asker=OWNER)
        history = History()
        author = Author(id=web.id, display_name="alice", person=merged)
        message = Said(ids, clock)("hello", author)
        async with database.transaction() as tx:
            await history.record(tx, message)
        async with database.transaction() as tx:
            assert await repository.link(tx, ALICE.id, web.id) == kept
        settings.refresh()
        assert await self.ensure(database, repository, web, clock) == kept
        async with database.reader() as snapshot:
            linked = await repository.accounts(snapshot, kept)
            assert [account.id for account in linked] == [ALICE.id, web.id]
            assert await repository.accounts(snapshot, merged) == []
            assert (await history.entry(snapshot, message.id)).message.author.person == kept
        assert await settings.resolve(VOLUME, conversation=PLACE, person=kept) == 3
        assert await settings.resolve(TONE, conversation=PLACE, person=kept) == "dry"
        assert await settings.resolve(VOLUME, conversation=PLACE, person=merged) == 5

    async def test_linking_a_stranger_is_refused(self, database, repository, clock):
        await self.ensure(database, repository, ALICE, clock)
        with pytest.raises(NotFound, match="web:nobody"):
            async with database.transaction() as tx:
                await repository.link(tx, ALICE.id, AuthorId("web", "nobody"))


class TestPermissions:
    """Grants add, blocks take away, owners stand above both."""

    @pytest.fixture
    def permissions(self, database):
        return Permissions(
            database,
            owners=[AuthorId("discord", "owner")],
            blocked=[AuthorId("discord", "spammer")],
        )

    async def role(self, permissions, account=ALICE.id, place=PLACE, given=Role.MEMBER):
        return await permissions.standing(account, place, given=given)

    async def test_what_the_platform_says_holds_without_anything_stored(self, permissions):
        assert await self.role(permissions) == Standing(Role.MEMBER)
        assert await self.role(permissions, given=Role.ADMIN) == Standing(Role.ADMIN)

    async def test_owners_come_from_the_settings_and_cannot_be_blocked(self, permissions):
        owner = AuthorId("discord", "owner")
        assert await self.role(permissions, owner, given=Role.GUEST) == Standing(Role.OWNER)
        with pytest.raises(NotAllowed):
            await permissions.block(owner, Scope.everywhere(), by=Role.OWNER)

    @pytest.mark.parametrize(
        ("scope", "here", "beside", "elsewhere"),
        [
            (Scope.channel(PLACE), True, False, False),
            (Scope.guild(PLACE), True, True, False),
            (Scope.everywhere(), True, True, True),
        ],
    )
    async def test_a_grant_and_a_block_reach_as_far_as_their_scope(
        self, permissions, scope, here, beside, elsewhere
    ):
        places = {PLACE: here, BESIDE: beside, ELSEWHERE: elsewhere}
        for place in places:
            await self.role(permissions, place=place)
        await permissions.grant(ALICE.id, scope, Role.MODERATOR, by=Role.ADMIN)
        await permissions.block(BOB.id, scope, by=Role.OWNER)
        for place, reached in places.items():
            expected = Role.MODERATOR if reached else Role.MEMBER
            assert (await self.role(permissions, place=place)).role is expected
            assert (await self.role(permissions, BOB.id, place)).blocked is reached
        await permissions.revoke(ALICE.id, scope, by=Role.ADMIN)
        await permissions.revoke(BOB.id, scope, by=Role.OWNER)
        for place in places:
            assert await self.role(permissions, place=place) == Standing(Role.MEMBER)
            assert await self.role(permissions, BOB.id, place) == Standing(Role.MEMBER)

    async def test_a_grant_never_lowers_what_the_platform_gave(self, permissions):
        await permissions.grant(ALICE.id, Scope.guild(PLACE), Role.MEMBER, by=Role.ADMIN)
        assert await self.role(permissions, given=Role.ADMIN) == Standing(Role.ADMIN)

    async def test_a_block_outweighs_grants_of_other_scopes(self, permissions):
        await permissions.grant(ALICE.id, Scope.channel(PLACE), Role.ADMIN, by=Role.OWNER)
        await permissions.block(ALICE.id, Scope.guild(PLACE), by=Role.MODERATOR)
        assert await self.role(permissions, given=Role.ADMIN) == Standing(Role.GUEST, blocked=True)

    async def test_blocks_from_the_settings_hold_everywhere(self, permissions):
        assert (await self.role(permissions, AuthorId("discord", "spammer"))).blocked

    async def test_nobody_gives_or_takes_a_role_as_high_as_their_own(self, permissions):
        scope = Scope.guild(PLACE)
        await permissions.grant(ALICE.id, scope, Role.ADMIN, by=Role.OWNER)
        for attempt in (
            permissions.grant(BOB.id, scope, Role.ADMIN, by=Role.ADMIN),
            permissions.grant(BOB.id, scope, Role.MEMBER, by=Role.MODERATOR),
            permissions.grant(BOB.id, scope, Role.OWNER, by=Role.OWNER),
            permissions.revoke(ALICE.id, scope, by=Role.ADMIN),
            permissions.block(BOB.id, scope, by=Role.MEMBER),
            permissions.block(BOB.id, Scope.everywhere(), by=Role.ADMIN),
        ):
            with pytest.raises(NotAllowed):
                await attempt
        with pytest.raises(InvalidRequest):
            await permissions.grant(BOB.id, Scope.user(PersonId("p")), Role.MEMBER, by=Role.OWNER)


VOLUME = ScopedSetting("voice.volume", int, default=5)
TONE: ScopedSetting[str | None] = ScopedSetting("persona.tone", str | None, default=None)
TRIGGERS: ScopedSetting[tuple[str, ...]] = ScopedSetting(
    "gate.triggers",
    tuple[str, ...],
    default=("mention",),
    scopes=frozenset({ScopeKind.CHANNEL, ScopeKind.GUILD}),
)
OWNER = Asker(account=AuthorId("console", "me"), role=Role.OWNER)


class TestScopedSettings:
    """The narrowest valid choice wins."""

    @pytest.fixture
    def settings(self, database, clock):
        return ScopedSettings(database, clock=clock)

    async def test_narrow_wins_over_wide_and_unsetting_uncovers_it(self, settings):
        person = PersonId("p")

        async def volume():
            return await settings.resolve(VOLUME, conversation=PLACE, person=person)

        assert await volume() == 5
        scopes = [
            Scope.everywhere(),
            Scope.guild(PLACE),
            Scope.channel(PLACE),
            Scope.user(person),
        ]
        for value, scope in enumerate(scopes, 10):
            await settings.set(VOLUME, scope, value, asker=OWNER)
            assert await volume() == value
        assert await settings.resolve(VOLUME, conversation=BESIDE) == 11
        assert await settings.resolve(VOLUME, conversation=ELSEWHERE) == 10
        for value, scope in zip((12, 11, 10, 5), reversed(scopes), strict=True):
            await settings.unset(VOLUME, scope, asker=OWNER)
            assert await volume() == value

    async def test_values_keep_their_type_and_none_is_a_choice(self, settings, database, clock):
        await settings.set(TRIGGERS, Scope.channel(PLACE), ("name", "reply"), asker=OWNER)
        await settings.set(TONE, Scope.guild(PLACE), "dry", asker=OWNER)
        await settings.set(TONE, Scope.channel(PLACE), None, asker=OWNER)
        fresh = ScopedSettings(database, clock=clock)
        assert await fresh.resolve(TRIGGERS, conversation=PLACE) == ("name", "reply")
        assert await fresh.resolve(TONE, conversation=PLACE) is None
        assert await fresh.resolve(TONE, conversation=BESIDE) == "dry"

    async def test_a_value_that_does_not_fit_is_refused(self, settings):
        with pytest.raises(InvalidRequest, match=r"voice\.volume"):
            await settings.set(VOLUME, Scope.everywhere(), "loud", asker=OWNER)
        with pytest.raises(InvalidRequest):
            await settings.set(TRIGGERS, Scope.everywhere(), ("name",), asker=OWNER)

    async def test_a_stored_value_that_no_longer_fits_counts_as_unset(self, settings, database):
        await settings.set(VOLUME, Scope.guild(PLACE), 7, asker=OWNER)
        await settings.set(VOLUME, Scope.channel(PLACE), 8, asker=OWNER)
        async with database.transaction() as tx:
            await tx.run(
                lambda c: c.execute(
                    update(scoped_settings)
                    .where(scoped_settings.c.scope == "channel")
                    .values(value="loud")
                )
            )
        settings.refresh()
        assert await settings.resolve(VOLUME, conversation=PLACE) == 7

    @pytest.mark.parametrize(
        ("scope", "enough"),
        [
            (Scope.channel(PLACE), Role.MODERATOR),
            (Scope.guild(PLACE), Role.ADMIN),
            (Scope.everywhere(), Role.OWNER),
        ],
    )
    async def test_wider_scopes_take_higher_roles(self, settings, scope, enough):
        below = Asker(account=ALICE.id, role=Role(enough - 1))
        for change in (
            settings.set(VOLUME, scope, 1, asker=below),
            settings.unset(VOLUME, scope, asker=below),
        ):
            with pytest.raises(NotAllowed):
                await change
        await settings.set(VOLUME, scope, 1, asker=Asker(account=ALICE.id, role=enough))
        assert await settings.resolve(VOLUME, conversation=PLACE) == 1

    async def test_people_choose_for_themselves_only(self, settings):
        mine = Scope.user(PersonId("mine"))
        me = Asker(account=ALICE.id, role=Role.GUEST, person=PersonId("mine"))
        other = Asker(account=BOB.id, role=Role.ADMIN, person=PersonId("other"))
        await settings.set(VOLUME, mine, 2, asker=me)
        with pytest.raises(NotAllowed):
            await settings.set(VOLUME, mine, 9, asker=other)
        nobody = Asker(account=BOB.id, role=Role.MEMBER)
        with pytest.raises(NotAllowed):
            await settings.set(VOLUME, mine, 9, asker=nobody)

    async def test_known_choices_cost_no_query(self, settings, database):
        await settings.resolve(VOLUME, conversation=PLACE)
        async with database.transaction() as tx:
            await tx.run(lambda c: c.execute(text("DROP TABLE scoped_settings")))
        assert await settings.resolve(VOLUME, conversation=PLACE) == 5

    async def test_a_choice_made_during_a_slow_read_is_not_lost(self, database, clock):
        read, written = asyncio.Event(), asyncio.Event()

        class SlowToReturn:
            transaction = database.transaction

            @asynccontextmanager
            async def reader(self):
                async with database.reader() as snapshot:
                    yield snapshot
                read.set()
                await written.wait()

        settings = ScopedSettings(cast("Database", SlowToReturn()), clock=clock)

        async def choose():
            await read.wait()
            await settings.set(VOLUME, Scope.channel(PLACE), 9, asker=OWNER)
            written.set()

        await asyncio.gather(settings.resolve(VOLUME, conversation=PLACE), choose())
        assert await settings.resolve(VOLUME, conversation=PLACE) == 9
