"""A call's end-to-end encryption as the voice server runs it: proposals, commits, transitions.

One batch of proposals is out at a time. The first commit that takes up all of it makes the next
epoch; what happened meanwhile is proposed then. https://daveprotocol.com
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.discord_standin.voice.batches import Batch, Transition
from tests.discord_standin.voice.mls import Commit, ExternalSender, split_commit
from tests.discord_standin.voice.opcodes import Op
from tests.discord_standin.voice.parties import Party
from tests.discord_standin.voice.settings import Committers
from tests.discord_standin.voice.tls_codec import Malformed, vector

_APPEND = b"\0"


class Group:
    """Leads the members from epoch to epoch; ``version`` 0 means nothing is encrypted.

    ``epoch`` is 0 until the group is founded, which takes two. ``leaves`` are the user ids in the
    order of the tree, None where somebody left.
    """

    def __init__(
        self,
        call_id: int,
        sender: ExternalSender,
        parties: dict[int, Party],
        *,
        version: int,
        committers: Committers = Committers.ANYONE,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.version = version
        self.epoch = 0
        self.leaves: list[int | None] = []
        self.transitions: dict[int, Transition] = {}
        self.executed: list[int] = []
        self.commits_of: dict[int, int] = {}
        self.invalid: list[int] = []
        self.problems: list[str] = []
        self._call_id = call_id
        self._sender = sender
        self._parties = parties
        self._committers = committers
        self._changed = changed
        self._packages: dict[int, bytes] = {}
        self._outdated: set[int] = set()
        self._informed: set[int] = set()
        self._batch: Batch | None = None
        self._last_transition = 0
        self._transition_to_found = False

    @property
    def members(self) -> set[int]:
        """Who shares the current epoch's keys."""
        return {each for each in self.leaves if each is not None}

    @property
    def settled(self) -> bool:
        """Whether no proposal and no transition is under way, and everybody present is in."""
        if not self.version:
            return not self.transitions
        alone = len(self._parties) < 2
        complete = alone or self.members - self._renewed() == set(self._parties)
        return complete and self._batch is None and not self.transitions

    def admit(self, party: Party) -> None:
        """Tell a newcomer who proposes; its key package is expected next."""
        if self.version and party.user_id not in self._informed:
            self._informed.add(party.user_id)  # once: members refuse to hear it again
            party.told_bytes(Op.EXTERNAL_SENDER, self._sender.package)

    def dismiss(self, user_id: int) -> None:
        """Go on without somebody who is no longer among the parties."""
        self._informed.discard(user_id)
        self._await_anew(user_id)
        if self._batch is not None and not self._batch.offered.keys() & self._parties.keys():
            self._batch = None
        self._advance()

    def found_anew(self) -> None:
        """Let everybody drop the group and found another: new keys for all."""
        self._forget()
        self._packages.clear()
        for party in list(self._parties.values()):
            party.told(Op.PREPARE_EPOCH, {"protocol_version": self.version, "epoch": 1})

    def downgrade(self) -> None:
        """Lead everybody out of end-to-end encryption."""
        self._forget()
        self._begin_transition(self._next_transition(), 0, set(self._parties))

    def upgrade(self, version: int = 1) -> None:
        """Lead everybody back in, to a new group."""
        self.version = version
        self._transition_to_found = True
        for party in list(self._parties.values()):
            self.admit(party)
        self.found_anew()

    def take_key_package(self, user_id: int, package: bytes) -> None:
        """Take what somebody can be added with; of a member, it means to be added anew."""
        self._packages[user_id] = package
        self._advance()

    def take_invalid(self, user_id: int) -> None:
        """Note that somebody could not follow a commit or welcome; a key package comes next."""
        self.invalid.append(user_id)
        self._await_anew(user_id)

    def take_ready(self, user_id: int, transition_id: int) -> None:
        """Note that somebody is ready for a transition."""
        transition = self.transitions.get(transition_id)
        if transition is not None:
            transition.waiting.discard(user_id)
            self._execute_if_ready(transition)

    def take_commit(self, user_id: int, payload: bytes) -> None:
        """Take a commit if it is the first for what was proposed, and announce it."""
        try:
            commit, welcome = split_commit(payload)
        except Malformed as error:
            self.problems.append(f"{user_id} sent a broken commit: {error}")
            return
        batch = self._batch
        if batch is None or user_id not in batch.offered or commit.epoch != self.epoch:
            return
        if user_id not in self._committing(batch.offered):
            return
        offered = {proposal.ref for proposal in batch.offered[user_id]}
        if not offered.intersection(commit.refs):
            return  # for a group that was given up
        if set(commit.refs) != offered:
            self.problems.append(f"{user_id} left proposals out of a commit")
            return
        self.commits_of[user_id] = self.commits_of.get(user_id, 0) + 1
        self._batch = None
        self._apply(user_id, commit, batch)
        self._announce(user_id, commit, welcome, batch)
        self._advance()

    def _committing(self, offered: Iterable[int]) -> set[int]:
        """Return whose commits are taken."""
        present = {each for each in offered if each in self._parties} - self._renewed()
        if self._committers is Committers.ANYONE:
            return present
        bots = self._committers is Committers.BOTS
        return {each for each in present if self._parties[each].is_bot is bots} or present

    def _apply(self, user_id: int, commit: Commit, batch: Batch) -> None:
        if batch.founding:
            self.leaves = [user_id]
        for ref in commit.refs:
            if ref in batch.removed:
                self.leaves[batch.removed[ref]] = None
        for ref in commit.refs:
            if ref in batch.added:
                self._seat(batch.added[ref])
        self.epoch += 1

    def _seat(self, user_id: int) -> None:
        """Give somebody the leftmost free leaf, as MLS does."""
        if None in self.leaves:
            self.leaves[self.leaves.index(None)] = user_id
        else:
            self.leaves.append(user_id)

    def _announce(self, user_id: int, commit: Commit, welcome: bytes, batch: Batch) -> None:
        newcomers = {each for ref, each in batch.added.items() if ref in commit.refs}
        number = 0 if batch.founding and not self._transition_to_found else self._next_transition()
        self._transition_to_found = False
        present = self.members & self._parties.keys() - self._renewed()
        if number:
            self.transitions[number] = Transition(number, self.version, set(present))
        for each in present:
            if each in newcomers:
                self._parties[each].told_bytes(Op.WELCOME, number.to_bytes(2) + welcome)
            elif not batch.founding or each == user_id:
                self._parties[each].told_bytes(
                    Op.ANNOUNCE_COMMIT, number.to_bytes(2) + commit.message
                )
        self._changed()

    def _advance(self) -> None:
        """Propose what is to change, unless something is being decided already."""
        if self._batch is None and self.version:
            if self.members:
                self._propose_changes()
            elif len(self._packages) > 1:
                self._propose_founding()
        self._changed()

    def _propose_founding(self) -> None:
        adds = {
            user_id: self._sender.add(self._call_id, 0, package)
            for user_id, package in self._packages.items()
        }
        self._spend_packages()
        batch = Batch(
            founding=True,
            offered={
                user_id: [proposal for other, proposal in adds.items() if other != user_id]
                for user_id in adds
            },
            added={proposal.ref: user_id for user_id, proposal in adds.items()},
        )
        self._offer(batch)

    def _propose_changes(self) -> None:
        gone = self.members & (self._renewed() | self.members - self._parties.keys())
        staying = self.members - gone
        if not staying:
            self._start_over()
            return
        if len(self._parties) == 1:
            self.found_anew()  # alone, one keeps no group
            return
        if not gone and not self._packages:
            return
        removes = {leaf: user_id for leaf, user_id in enumerate(self.leaves) if user_id in gone}
        removed = {self._sender.remove(self._call_id, self.epoch, leaf): leaf for leaf in removes}
        added = {
            self._sender.add(self._call_id, self.epoch, package): user_id
            for user_id, package in self._packages.items()
        }
        self._spend_packages()
        self._offer(
            Batch(
                founding=False,
                offered={user_id: [*removed, *added] for user_id in staying},
                added={proposal.ref: user_id for proposal, user_id in added.items()},
                removed={proposal.ref: leaf for proposal, leaf in removed.items()},
            )
        )

    def _await_anew(self, user_id: int) -> None:
        """Wait for somebody no longer, and for a key package of theirs instead."""
        self._packages.pop(user_id, None)
        self._outdated.add(user_id)
        for transition in list(self.transitions.values()):
            transition.waiting.discard(user_id)
            self._execute_if_ready(transition)

    def _renewed(self) -> set[int]:
        """Return whose former state is worth nothing: they came anew, or have to be added anew."""
        return self._outdated | self._packages.keys()

    def _spend_packages(self) -> None:
        self._outdated -= self._packages.keys()
        self._packages.clear()

    def _offer(self, batch: Batch) -> None:
        self._batch = batch
        for user_id, proposals in batch.offered.items():
            messages = b"".join(proposal.message for proposal in proposals)
            self._parties[user_id].told_bytes(Op.PROPOSALS, _APPEND + vector(messages))

    def _start_over(self) -> None:
        """Found a group anew with those who already sent key packages."""
        self._forget()
        waiting = set(self._parties) - self._packages.keys()
        for user_id in waiting:
            self._parties[user_id].told(
                Op.PREPARE_EPOCH, {"protocol_version": self.version, "epoch": 1}
            )
        self._advance()

    def _forget(self) -> None:
        self.leaves, self.epoch, self._batch = [], 0, None
        self._outdated.clear()
        self.transitions.clear()

    def _next_transition(self) -> int:
        self._last_transition = self._last_transition % 65_535 + 1
        return self._last_transition

    def _begin_transition(self, number: int, version: int, waiting: set[int]) -> None:
        self.transitions[number] = Transition(number, version, waiting)
        data = {"transition_id": number, "protocol_version": version}
        for party in list(self._parties.values()):
            party.told(Op.PREPARE_TRANSITION, data)

    def _execute_if_ready(self, transition: Transition) -> None:
        if transition.waiting or transition.id not in self.transitions:
            return
        del self.transitions[transition.id]
        self.executed.append(transition.id)
        self.version = transition.version
        for party in list(self._parties.values()):
            party.told(Op.EXECUTE_TRANSITION, {"transition_id": transition.id})
        self._changed()
