"""Which of several rules about a tool decides."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from services.conversation.tool_rules import ToolRule, allowed
from services.domain.ids import AuthorId, PersonaId
from services.toolbox.spec import ToolSpec


async def _nothing(_given, _context):
    return ""


WEATHER = ToolSpec(
    name="weather", area="web", description="W.", parameters=BaseModel, handler=_nothing
)
SAM, KIM = AuthorId("test", "sam"), AuthorId("test", "kim")
MIRA = PersonaId("mira")


def rule(tool, allow, *, account="", persona=""):
    return ToolRule(tool=tool, allow=allow, account=account, persona=persona)


@pytest.mark.parametrize(
    ("scopes", "asker", "wanted"),
    [
        ([], SAM, True),
        ([[rule("weather", allow=False)]], SAM, False),
        ([[rule("other", allow=False)]], SAM, True),
        ([[rule("web", allow=False)]], SAM, False),
        ([[rule("*", allow=False)]], SAM, False),
        ([[rule("*", allow=False), rule("weather", allow=True)]], SAM, True),
        ([[rule("web", allow=True), rule("weather", allow=False)]], SAM, False),
        ([[rule("weather", allow=False), rule("*", allow=True, account=str(SAM))]], SAM, True),
        ([[rule("weather", allow=False), rule("*", allow=True, account=str(SAM))]], KIM, False),
        ([[rule("weather", allow=False, account=str(SAM))]], None, True),
        ([[rule("weather", allow=False, persona="mira")]], SAM, False),
        ([[rule("weather", allow=False, persona="other")]], SAM, True),
        ([[rule("weather", allow=True)], [rule("*", allow=False)]], SAM, True),
        ([[rule("*", allow=False)], [rule("weather", allow=True)]], SAM, False),
        ([[rule("*", allow=True, persona="mira"), rule("*", allow=False)]], SAM, True),
    ],
)
def test_the_narrowest_scope_then_the_most_precise_rule_decides(scopes, asker, wanted):
    assert allowed(scopes, WEATHER, persona=MIRA, asker=asker) is wanted


def test_of_two_equal_rules_that_which_forbids_decides():
    both = [rule("weather", allow=True), rule("weather", allow=False)]
    assert not allowed([both], WEATHER, persona=MIRA, asker=SAM)
    assert not allowed([both[::-1]], WEATHER, persona=MIRA, asker=SAM)
