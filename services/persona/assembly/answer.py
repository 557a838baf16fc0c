"""A prompt as JSON."""

from __future__ import annotations

from services.persona.assembly.preview import Preview


def preview_as_json(shown: Preview) -> dict[str, object]:
    """Return a prompt as it is printed."""
    arranged = shown.arranged
    return {
        "messages": [
            {
                "role": str(piece.role),
                "name": piece.name,
                "content": piece.content,
                "source": piece.source,
            }
            for piece in arranged.messages
        ],
        "tokens": arranged.tokens,
        "total": sum(arranged.tokens.values()),
        "budget": shown.budget,
        "dropped": {"history": arranged.dropped_history, "examples": arranged.dropped_examples},
        "refused": list(arranged.refused),
        "clipped": list(arranged.clipped),
        "lore": [{"book": one.book, "uid": one.uid} for one in shown.lore.activated]
        if shown.lore
        else [],
        "skipped": [{"script": each.script, "reason": each.reason} for each in shown.skipped]
        + [
            {"book": each.book, "uid": each.uid, "reason": each.reason}
            for each in (shown.lore.skipped if shown.lore else ())
        ],
    }
