"""What keys and tokens look like, and calls to everybody."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

from services.conversation.moderation.automaton import Automaton
from services.conversation.moderation.expression_reader import read_expression
from services.conversation.moderation.expressions import Choice, Expression, literal
from services.conversation.moderation.scanner import Ban

REMOVED = "[removed]"
"""What stands where a secret was."""

SHORTEST_SECRET = 8
"""Known secrets shorter than that are left: they would take ordinary words away."""

_JOINER = "\u200d"
_REACH = 8_000
_LONGEST_SOURCE = 4_000
_BREAK = r"(?:\s|\\n|\\r){1,4}"
_BASE64 = "[A-Za-z0-9+/=]"
# Account numbers begin with 1 to 9 and are 17 to 20 digits long: in base64 that leaves few letters.
_DISCORD_ID = "(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){5,6}[MNODTjzAEIQUYcgkw-z0-5]{0,4}"
_SHAPES = (
    rf"\b{_DISCORD_ID}\.[\w-]{{6,7}}\.[\w-]{{27,45}}",
    r"/webhooks/\d{15,22}/[\w-]{20,}",
    r"/services/[TE][A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/\w{16,}",
    r"\bsk-[A-Za-z0-9]{20,}",
    r"\b[sr]k-(?:proj|svcacct|admin|ant|or|lf|None)-[\w-]{20,}",
    r"\b[spr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bgithub_pat_\w{30,}",
    r"\bglpat-[\w-]{20,}",
    r"\bxox[a-z]-[A-Za-z0-9-]{10,}",
    r"\bxapp-[A-Za-z0-9-]{20,}",
    r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b",
    r"\bAIza[\w-]{35}",
    r"\bhf_[A-Za-z0-9]{30,}",
    r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{10,}",
    "-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_BREAK}(?:Proc-Type|DEK-Info|Version|Comment): [^\n\\]{{0,100}})*"
    rf"(?:{_BREAK}{_BASE64}{{16}}{_BASE64}*)*"
    rf"(?:(?:{_BREAK}{_BASE64}{{1,76}})?{_BREAK}-----END [A-Z ]{{0,40}}-----)?",
)
_CALLS = ("@everyone", "@here", "<@&")


@lru_cache(maxsize=1)
def standing_bans() -> tuple[Ban, ...]:
    """Return the bans that hold always: what looks like a secret, and calls to everybody."""
    shapes = [read_expression(shape, folded=False, longest=_LONGEST_SOURCE) for shape in _SHAPES]
    calls = [literal(call) for call in _CALLS]
    return (
        _ban("secret", Choice(tuple(shapes)), lambda _: REMOVED),
        _ban("call", Choice(tuple(calls)), lambda found: found.replace("@", f"@{_JOINER}")),
    )


def secret_bans(secrets: Collection[str]) -> tuple[Ban, ...]:
    """Return the ban on these very values; those of less than eight characters are left."""
    values = {secret.strip() for secret in secrets}
    known = sorted(value for value in values if len(value) >= SHORTEST_SECRET)
    if not known:
        return ()
    return (_ban("secret", Choice(tuple(map(literal, known))), lambda _: REMOVED),)


def _ban(kind: str, expression: Expression, replaced: Callable[[str], str]) -> Ban:
    automaton = Automaton(expression, folding=False)
    return Ban(kind=kind, automaton=automaton, replaced=replaced, reach=_REACH)
