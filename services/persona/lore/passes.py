"""The passes of one scan: what matches, what competes, what the budget lets in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from services.persona.javascript_regex import Verdict
from services.persona.lore.budget import BookBudgets, Budget
from services.persona.lore.checks import Moment, obstacle
from services.persona.lore.groups import losers
from services.persona.lore.lineup import Lineup
from services.persona.lore.matcher import Matcher, NumberedKey, RegexTester, View
from services.persona.lore.placement import Placed, place
from services.persona.lore.prepared import PreparedEntry
from services.persona.lore.request import ScanRequest
from services.persona.lore.result import Activation, ScanResult, Skip
from services.persona.lore.scan_text import ScanText
from services.persona.lore.timed import TimedState

_UNDECIDED = {
    Verdict.INVALID: "is not valid and was looked for as it stands",
    Verdict.RUNAWAY: "took too long",
    Verdict.FAILED: "failed",
    Verdict.NOT_RUN: "was not run, as others took too long",
}


class _Phase(Enum):
    """Why there is another pass."""

    FIRST = "first"
    RECURSION = "recursion"
    WIDENING = "widening"


class Scan:
    """One scan; ``run`` once."""

    def __init__(self, lineup: Lineup, request: ScanRequest, *, tester: RegexTester) -> None:
        settings = request.settings
        self._lineup = lineup
        self._request = request
        self._text = ScanText(
            [line.told(named=settings.include_names) for line in request.chat],
            sources=request.sources,
            injected=request.injected,
        )
        self._matcher = Matcher(lineup, self._text, tester=tester, expand=request.expand)
        self._budget = Budget(settings.budget, request.count_tokens)
        self._book_budgets = BookBudgets(lineup.budgets, request.count_tokens)
        self._timed = TimedState(
            request.timed,
            ((rank, lineup.entries[rank]) for rank in lineup.timed),
            chat_length=len(request.chat),
        )
        self._vectorized = {
            rank
            for rank, entry in enumerate(lineup.entries if request.vectorized else ())
            if (entry.book, str(entry.entry.uid)) in request.vectorized
        }
        self._depth = max(0, settings.scan_depth)
        self._levels = list(lineup.levels)
        self._level = self._levels.pop(0) if self._levels else 0
        self._activated: dict[int, Activation] = {}
        self._out: set[int] = set()
        self._reasons: dict[int, str] = {}
        self._contents: dict[int, str] = {}
        self._skips: dict[int, str] = {}
        self._overflowed = False
        self._passes = 0

    def run(self) -> ScanResult:
        """Pass until nothing opens another pass; return what was found."""
        most = self._request.settings.max_recursion_steps
        phase: _Phase | None = _Phase.FIRST
        while phase is not None and not (most and self._passes >= most):
            self._passes += 1
            view = View(depth=self._depth, recursed=phase is not _Phase.WIDENING)
            competing = self._competing(self._fresh(phase, view), view)
            self._admit(competing)
            feeding = [
                rank
                for rank in competing
                if rank not in self._out and not self._entry(rank).entry.prevent_recursion
            ]
            phase = self._next(bool(feeding))
            if phase is not None:
                self._feed(feeding)
        return self._result()

    def _entry(self, rank: int) -> PreparedEntry:
        return self._lineup.entries[rank]

    def _fresh(self, phase: _Phase, view: View) -> list[int]:
        """Return the entries that match in this pass, in the order in which they compete."""
        self._matcher.look_back(max(self._depth, self._lineup.deepest))
        moment = Moment(
            recursing=phase is _Phase.RECURSION,
            excludes=self._request.settings.recursive,
            level=self._level,
        )
        timed = self._timed
        looked_at = {*self._lineup.eager, *self._matcher.touched, *self._vectorized}
        looked_at |= timed.sticky | timed.matched
        looked_at -= self._activated.keys() | self._out
        fresh: list[int] = []
        open_: list[int] = []
        entries = self._lineup.entries
        for rank in sorted(looked_at):
            entry = entries[rank]
            if entry.free and rank not in timed.cooling:
                why_not = None
            else:
                why_not = obstacle(rank, entry, self._request, timed, moment)
            if why_not is not None:
                self._note(rank, why_not)
            elif entry.conditions.activate:
                self._take(fresh, rank, "decorator")
            elif entry.conditions.dont_activate:
                self._note(rank, "decorator")
            elif entry.excluded:
                open_.append(rank)
            elif (reason := self._sure(rank, entry)) is not None:
                self._take(fresh, rank, reason)
            else:
                open_.append(rank)
        self._matcher.ready(open_, view)
        for rank in open_:
            self._try_keys(fresh, rank, entries[rank], view)
        return self._in_order(fresh)

    def _in_order(self, fresh: list[int]) -> list[int]:
        """Sort what matches: sticky entries first, those that yield to the context last."""
        fresh.sort()
        sticky = self._timed.sticky
        if sticky:
            fresh.sort(key=lambda rank: rank not in sticky)
        if self._lineup.yields:
            fresh.sort(key=lambda rank: self._entry(rank).conditions.ignore_on_max_context)
        return fresh

    def _sure(self, rank: int, entry: PreparedEntry) -> str | None:
        """Return why an entry matches without a look at its keys."""
        if entry.entry.constant:
            return "constant"
        if rank in self._vectorized:
            return "vector"
        if rank in self._timed.sticky:
            return "sticky"
        if rank in self._timed.matched:
            return "matched before"
        return None

    def _try_keys(self, fresh: list[int], rank: int, entry: PreparedEntry, view: View) -> None:
        matcher = self._matcher
        if entry.excluded:
            excluded = matcher.first_match(rank, entry.excluded, view)
            if excluded is not None:
                self._note(rank, f"excluded by key {excluded.written!r}")
                return
            if (reason := self._sure(rank, entry)) is not None:
                self._take(fresh, rank, reason)
                return
        key = matcher.first_match(rank, entry.primary, view)
        if key is None:
            return
        if entry.secondary and not matcher.secondary_hold(rank, entry, view):
            self._skips[rank] = "secondary keys"
        elif entry.additional and not self._has_each(rank, entry.additional, view):
            self._skips[rank] = "additional keys"
        else:
            self._take(fresh, rank, f"key {key.written!r}")

    def _has_each(self, rank: int, lists: Iterable[Sequence[NumberedKey]], view: View) -> bool:
        return all(self._matcher.first_match(rank, keys, view) is not None for keys in lists)

    def _take(self, fresh: list[int], rank: int, reason: str) -> None:
        self._reasons[rank] = reason
        fresh.append(rank)

    def _note(self, rank: int, reason: str) -> None:
        """Remember why an entry was kept out that otherwise matched, or may have."""
        entry = self._entry(rank).entry
        if entry.constant or rank in self._matcher.touched or rank in self._vectorized:
            self._skips[rank] = reason

    def _competing(self, fresh: Sequence[int], view: View) -> list[int]:
        """Return what the inclusion groups leave."""
        lost = losers(
            {rank: self._entry(rank) for rank in fresh},
            sticky=self._timed.sticky,
            won={one.entry.group for one in self._activated.values() if one.entry.group},
            score=lambda ranks: self._matcher.scores(ranks, view),
            scoring=self._request.settings.use_group_scoring,
            rng=self._request.rng,
        )
        for rank in lost:
            self._skips[rank] = f"group {self._entry(rank).entry.group!r}"
        left = [rank for rank in fresh if rank not in lost]
        if not self._lineup.budgets:
            return left
        return self._book_budgets.by_priority(
            left, self._lineup.homes, {rank: self._entry(rank).entry.priority for rank in left}
        )

    def _admit(self, competing: Sequence[int]) -> None:
        """Roll for each entry and let it in while the budget lasts."""
        self._budget.open_pass()
        is_full = False
        for rank in competing:
            prepared = self._entry(rank)
            free = prepared.entry.ignore_budget
            if is_full and not free:
                self._skips[rank] = "budget"
                continue
            if not self._rolls(rank):
                self._out.add(rank)
                self._skips[rank] = "probability"
                continue
            content = self._contents[rank] = self._request.expand(prepared.content)
            if not free and not self._book_budgets.spend(self._lineup.homes[rank], content):
                self._out.add(rank)
                self._skips[rank] = "budget of the book"
                continue
            if self._budget.add(content) and not free:
                is_full = self._overflowed = True
                self._skips[rank] = "budget"
                continue
            self._activate(rank, content)

    def _rolls(self, rank: int) -> bool:
        entry = self._entry(rank).entry
        if not entry.use_probability or entry.probability == 100:
            return True
        return rank in self._timed.sticky or (self._request.rng.random() * 100 <= entry.probability)

    def _activate(self, rank: int, content: str) -> None:
        prepared = self._entry(rank)
        self._skips.pop(rank, None)
        self._activated[rank] = Activation(
            book=prepared.book,
            scope=prepared.scope,
            entry=prepared.entry,
            content=content,
            reason=self._reasons[rank],
            step=self._passes,
        )

    def _next(self, feeds: bool) -> _Phase | None:  # noqa: FBT001
        """Return what the next pass is for; ``None`` if there is none."""
        settings = self._request.settings
        if settings.recursive and feeds and not self._overflowed:
            return _Phase.RECURSION
        if self._wants_more():
            self._depth += 1
            return _Phase.WIDENING
        if self._levels:
            self._level = self._levels.pop(0)
            return _Phase.RECURSION
        return None

    def _wants_more(self) -> bool:
        settings = self._request.settings
        if self._overflowed or len(self._activated) >= settings.min_activations:
            return False
        deepest = settings.min_activations_depth_max
        return self._depth <= len(self._request.chat) and not (0 < deepest < self._depth)

    def _feed(self, ranks: Sequence[int]) -> None:
        """Let the next pass search what these entries say, those the budget cut included."""
        text = "\n".join(self._contents.get(rank, self._entry(rank).content) for rank in ranks)
        self._budget.feed(text)
        self._matcher.look_at_activated(self._text.recurse(text))

    def _result(self) -> ScanResult:
        placed = [
            Placed(rank=rank, prepared=self._entry(rank), activation=activation)
            for rank, activation in self._activated.items()
        ]
        places = place(placed, messages=len(self._request.chat))
        activated = tuple(self._activated.values())
        return ScanResult(
            activated=activated,
            before=tuple(places.before),
            after=tuple(places.after),
            at_depth=places.blocks(),
            other={name: tuple(entries) for name, entries in places.other.items()},
            outlets={name: tuple(entries) for name, entries in places.outlets.items()},
            skipped=tuple(self._skipped()),
            tokens=self._request.count_tokens("".join(f"{one.content}\n" for one in activated)),
            overflowed=self._overflowed,
            passes=self._passes,
            timed=self._timed.begin((one.rank, one.prepared) for one in placed),
            disabled_prompts=frozenset(
                name for one in placed for name in one.prepared.conditions.disabled_prompts
            ),
        )

    def _skipped(self) -> Iterable[Skip]:
        reasons = dict(self._skips)
        for trouble in self._matcher.unrunnable.values():
            if trouble.rank not in self._activated:
                reasons[trouble.rank] = f"regex {trouble.key} {_UNDECIDED[trouble.verdict]}"
        for rank in sorted(reasons):
            prepared = self._entry(rank)
            yield Skip(book=prepared.book, uid=prepared.entry.uid, reason=reasons[rank])
