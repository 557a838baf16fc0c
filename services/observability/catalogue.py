"""Every metric there is: what it means, its unit and its labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric; timings are histograms in seconds, and their names end with ``_seconds``."""

    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    unit: str = "1"

    def exported_name(self, name: str) -> str:
        """Return what the metric called ``name`` in the code is called in the exposition."""
        return f"acore_{name}_total" if self.kind == "counter" else f"acore_{name}"


def _counter(meaning: str, *labels: str, unit: str = "1") -> MetricSpec:
    return MetricSpec(kind="counter", meaning=meaning, labels=labels, unit=unit)


def _gauge(meaning: str, *labels: str, unit: str = "1") -> MetricSpec:
    return MetricSpec(kind="gauge", meaning=meaning, labels=labels, unit=unit)


def _seconds(meaning: str, *labels: str) -> MetricSpec:
    return MetricSpec(kind="histogram", meaning=meaning, labels=labels, unit="seconds")


_MODEL = ("endpoint", "model")

METRICS: Mapping[str, MetricSpec] = {
    # -- the process
    "event_loop_lag_seconds": _seconds("How late the event loop wakes, sampled every 0.25 s."),
    "event_loop_lag_worst_seconds": _gauge(
        "The worst such delay of the last minute.", unit="seconds"
    ),
    "database_wait_seconds": _seconds("How long writers waited for their turn to write."),
    "events": _counter("News inside the process, by kind of event.", "kind"),
    # -- talking
    "turns": _counter("Answers of characters, by how they ended.", "outcome"),
    "suppressed": _counter("Messages left unanswered, by reason.", "reason"),
    "context_source_dropped": _counter(
        "Contributions to a prompt that were late or failed.", "source"
    ),
    "tool_calls": _counter(
        "Calls of tools: ok, refused, wrong_arguments, timed_out, failed or unknown.",
        "tool",
        "outcome",
    ),
    "code_runs": _counter(
        "Code run or checked: ok, failed, or unavailable when the sandbox did not start.",
        "outcome",
    ),
    "moderation_refused": _counter(
        "Messages not answered for what they say, by what found it: words or model.", "by"
    ),
    "moderation_unjudged": _counter("Messages the moderating model gave no verdict on."),
    "moderation_replaced": _counter(
        "Pieces of answers that were replaced: secret, call to everybody, or rule.",
        "kind",
        unit="items",
    ),
    # -- models
    "llm_requests": _counter(
        "Calls by outcome: ok, cancelled, error, or the fault.", *_MODEL, "outcome"
    ),
    "llm_prefills": _counter("Warm-ups, by the same outcomes.", *_MODEL, "outcome"),
    "llm_first_token_seconds": _seconds(
        "From the call to the first token of an answer, queueing and thought included.",
        *_MODEL,
        "priority",
    ),
    "llm_request_seconds": _seconds(
        "From the call to the end of a complete answer.", *_MODEL, "priority"
    ),
    "llm_queue_wait_seconds": _seconds(
        "How long calls waited for their turn at an endpoint.", "endpoint", "priority"
    ),
    "llm_prompt_tokens": _counter("Prompt tokens the servers counted.", *_MODEL, unit="tokens"),
    "llm_cached_prompt_tokens": _counter(
        "Prompt tokens that were in the servers' caches.", *_MODEL, unit="tokens"
    ),
    "llm_completion_tokens": _counter("Tokens of answers.", *_MODEL, unit="tokens"),
    "llm_answers": _counter("Answers, by whether the model reasoned.", *_MODEL, "reasoning"),
    "llm_empty_replies": _counter("Answers with neither text nor a tool call.", *_MODEL),
    "prompt_shortfall": _counter("Prompts of which the server read only a part.", *_MODEL),
    "empty_answers": _counter(
        "Tries that gave no text, by why the model stopped.", "model", "finish"
    ),
    "retries": _counter("Further tries, by the fault before them.", "model", "fault"),
    "fallbacks": _counter("Answers given by another model than the first.", "from", "to"),
    "breaker_opened": _counter("How often a failing model was set aside.", *_MODEL),
    "breaker_state": _gauge("0 asked, 1 tried once, 2 set aside.", *_MODEL),
    "answer_cache_hits": _counter("Repeatable requests answered from memory."),
    "answer_cache_misses": _counter("Repeatable requests that were asked."),
    "thinking_unanswered": _counter(
        "Small questions that got no usable answer, by kind of question.", "kind"
    ),
    # -- the index of memory
    "memory_index_rows": _gauge("What can be recalled by its words.", unit="items"),
    "memory_index_pending": _gauge(
        "Of these, how many have no vector of the embedder yet.", unit="items"
    ),
    "memory_recall_failures": _counter(
        "Recalls that had to do without vectors, by what failed.", "source"
    ),
    "summaries_made": _counter("Stretches of conversations that were summed up.", unit="items"),
    "summaries_failed": _counter("Stretches the model did not sum up."),
    "memory_learnt": _counter("Facts learnt from what people said.", unit="items"),
    "memory_refused": _counter("What a model claimed and the messages do not say.", "reason"),
    "memory_indexed": _counter("Messages that became searchable by their words.", unit="items"),
    "memory_embedded": _counter("Texts that got a vector.", unit="items"),
    "memory_embed_seconds": _seconds("How long batches of up to 16 texts took to embed."),
    "memory_embed_failures": _counter("Batches the embedder failed with, by fault.", "fault"),
    "memory_index_failures": _counter(
        "How often a vector index failed and was filled anew, by index.", "index"
    ),
    # -- voice, as received from Discord
    "voice_frames_received": _counter(
        "Frames of 20 ms: heard, lost, guessed in their place, broken, late, locked (no key opened "
        "them) or overflowed (nobody fetched them).",
        "outcome",
    ),
    "voice_reconnects": _counter("Sessions with voice servers after the first of a call."),
    # -- voice, as sent to Discord
    "voice_packets_sent": _counter("Packets of 20 ms: sound, or the silence after it.", "kind"),
    "voice_packets_unsent": _counter(
        "Blocks of sound that did not leave: unconnected, no_key or failed.", "reason"
    ),
    "voice_send_late_seconds": _seconds("How late the sender was for its moments, 20 ms apart."),
    "voice_slots_skipped": _counter("Moments given up after stalls of more than 60 ms."),
    "voice_keepalives": _counter("Signs of life sent while nothing sounded."),
    # -- housekeeping
    "housekeeping_chores": _counter("Chores done, by outcome.", "chore", "outcome"),
    "housekeeping_removed": _counter("What chores removed.", "chore", unit="items"),
    "housekeeping_seconds": _seconds("How long chores took.", "chore"),
}
"""By the name the code uses; the exposition adds ``acore_`` and, to counters, ``_total``."""


def table() -> str:
    """Return the metrics as the table of ``docs/monitoring.md``."""
    rows = [
        "| Metric | Kind | Unit | Labels | Meaning |",
        "|---|---|---|---|---|",
        *(
            f"| `{spec.exported_name(name)}` | {spec.kind} | {spec.unit} | "
            f"{', '.join(f'`{label}`' for label in spec.labels) or '-'} | {spec.meaning} |"
            for name, spec in METRICS.items()
        ),
    ]
    return "\n".join(rows)
