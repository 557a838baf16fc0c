"""What went into a prompt, for ``why``."""

from __future__ import annotations

from services.conversation.collecting import Collected
from services.persona.assembly.measuring import Arranged


def prompt_report(layout: str, arranged: Arranged, collected: Collected) -> dict[str, object]:
    """Say, as JSON values, what a prompt is made of and what had no room in it."""
    counted: dict[tuple[str, str], list[int]] = {}
    for piece, cost in zip(arranged.messages, arranged.costs, strict=True):
        counted.setdefault((str(piece.role), piece.source), []).append(cost)
    report: dict[str, object] = {
        "layout": layout,
        "prompt": [
            {"role": role, "source": source, "messages": len(costs), "tokens": sum(costs)}
            for (role, source), costs in counted.items()
        ],
        "sources_asked": dict(collected.asked),
        "sources_left_out": dict(collected.left_out),
        "refs": [ref for _, block in collected.blocks for ref in block.refs],
        "history_dropped": arranged.dropped_history,
        "examples_dropped": arranged.dropped_examples,
    }
    if arranged.refused:
        report["refused"] = list(arranged.refused)
    if arranged.clipped:
        report["clipped"] = list(arranged.clipped)
    return report
