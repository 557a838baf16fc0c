"""How what is remembered reads on Discord."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import discord

from frontends.discord.paging import bundled
from frontends.discord.places import DIRECT, channel_in
from services.conversation.recollection import where
from services.conversation.reminding import Reminder
from services.domain.errors import InvalidRequest, NotFound
from services.domain.ids import ConversationId
from services.housekeeping.privacy_notice import NoticePart
from services.memory.rights.rows import FactView, Overview, TurnView
from services.memory.rights.service import Matches

MOST_ON_A_PAGE = 25
"""Facts shown at once."""
_WIDTH = 160
_LABEL = 90
_ORIGINS = {
    "told": "you asked me to remember it",
    "rule": "you said so",
    "model": "gathered from what you said",
    "block": "noted while answering you",
}


def memory_pages(facts: Sequence[FactView], overview: Overview) -> list[str]:
    """Return what is known of somebody, as pages."""
    if not facts:
        return [
            f"I know no facts about you yet ({overview.messages} messages of yours are kept).\n"
            "-# /memory add tells me one; /privacy says what is kept."
        ]
    head = (
        f"I know {overview.facts} facts about you, from {overview.messages} messages. "
        "/memory correct and /memory forget change that."
    )
    return _pages([fact_block(fact) for fact in facts], head=head)


def match_pages(found: Matches, *, head: str = "") -> list[str]:
    """Return messages and facts, as pages."""
    return _pages([*map(fact_block, found.facts), *map(turn_block, found.turns)], head=head)


def reminder_pages(found: Reminder, *, persona: str) -> list[str]:
    """Return what a question would bring back, as pages."""
    blocks = [
        *(
            f"{shown(turn.text)}\n-# {shown(turn.speaker)}, {moment(turn.said_at)}"
            for turn in found.turns
        ),
        *(f"Known: {shown(fact.text)}" for fact in found.known.facts),
        *(f"Earlier: {shown(each.text, longest=400)}" for each in found.summaries),
        *(f"{shown(where(each))}: {shown(each.text)}" for each in found.passages),
    ]
    if not blocks:
        return [f"Nothing comes to {shown(persona)}'s mind here."]
    return _pages(blocks, head=f"This would come to {shown(persona)}'s mind here:")


def notice_pages(parts: Iterable[NoticePart]) -> list[str]:
    """Return a privacy notice, as pages."""
    return bundled(
        ("\n".join([f"**{part.heading}**", *part.sentences]) for part in parts), between="\n\n"
    )


def fact_block(fact: FactView) -> str:
    """Return a fact with where it comes from and when that was."""
    source = [_ORIGINS.get(fact.origin, fact.origin), _place(fact.conversation)]
    source += [moment(fact.since), "pinned" if fact.pinned else ""]
    told = ", ".join(part for part in source if part)
    quote = f" · “{shown(fact.quote, longest=80)}”" if fact.quote else ""
    return f"{shown(fact.text)}\n-# {told}{quote}"


def turn_block(turn: TurnView) -> str:
    """Return a message with where and when it was said."""
    said = ", ".join(part for part in (_place(turn.conversation), moment(turn.said_at)) if part)
    return f"“{shown(turn.text)}”\n-# you said it {said}"


def fact_labels(facts: Iterable[FactView]) -> Mapping[str, str]:
    """Return the ids of facts by what is offered for them; the same text is told apart."""
    labels: dict[str, str] = {}
    for fact in facts:
        text = label = " ".join(fact.text.split())[:_LABEL]
        number = 1
        while label in labels:
            number += 1
            label = f"{text} ({number})"
        labels[label] = fact.id
    return labels


def named_fact(facts: Sequence[FactView], typed: str) -> str:
    """Return the id of the fact that is meant by an id or by words of it.

    Raises ``NotFound``, and ``InvalidRequest`` where several may be meant.
    """
    wanted = " ".join(typed.split()).casefold()
    if any(fact.id == typed for fact in facts):
        return typed
    found = [fact for fact in facts if wanted and wanted in fact.text.casefold()]
    if not found:
        raise NotFound("fact_unknown", "There is no such fact of yours; /memory show lists them.")
    if len(found) > 1:
        raise InvalidRequest(
            "fact_ambiguous", f"{len(found)} facts have these words; choose one of those offered."
        )
    return found[0].id


def shown(text: str, *, longest: int = _WIDTH) -> str:
    """Return somebody's words on one line, as text and nothing else."""
    flat = " ".join(text.split())
    cut = flat if len(flat) <= longest else f"{flat[: longest - 1]}…"
    return discord.utils.escape_markdown(cut)


def moment(at: datetime) -> str:
    """Return a moment as everybody's own client shows it."""
    return discord.utils.format_dt(at, "d")


def _place(conversation: str | None) -> str:
    if conversation is None:
        return ""
    place = ConversationId.parse(conversation)
    channel = channel_in(place)
    if channel is None:
        return f"on {place.platform}"
    return "in direct messages" if place.scope == DIRECT else f"in <#{channel}>"


def _pages(blocks: Sequence[str], *, head: str) -> list[str]:
    pages: list[str] = []
    for start in range(0, len(blocks), MOST_ON_A_PAGE):
        pages += bundled(blocks[start : start + MOST_ON_A_PAGE])
    if head and pages:
        pages[0] = f"{head}\n{pages[0]}"
    return pages or [head]
