"""How a prompt is rewritten for models that know tools only as text."""

from services.domain.calls import ToolCall
from services.llm.model import PromptMessage, PromptRole, ToolSchema
from services.llm.text_protocol import as_text

ROLL = ToolSchema(
    name="roll",
    description="Rolls dice.",
    parameters={
        "properties": {
            "dice": {"type": "string", "description": "Such as 2d6."},
            "times": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "names": {"type": "array", "items": {"$ref": "#/$defs/Who"}},
        },
        "required": ["dice"],
        "$defs": {"Who": {"enum": ["me", "you"]}},
    },
)
ENDLESS = ToolSchema(
    name="knot",
    description="Ties.",
    parameters={
        "properties": {"end": {"$ref": "#/$defs/End"}},
        "$defs": {"End": {"$ref": "#/$defs/End"}},
    },
)


def said(role, content, **more):
    return PromptMessage(role=role, content=content, source="test", **more)


SYSTEM = said(PromptRole.SYSTEM, "You are Mira.")
TALK = (
    SYSTEM,
    said(PromptRole.USER, "Hi"),
    said(PromptRole.ASSISTANT, "Hello."),
    said(PromptRole.USER, "Roll!"),
)
ROUND = (
    said(
        PromptRole.ASSISTANT,
        "",
        tool_calls=(ToolCall(id="1", name="roll", arguments={"dice": "2d6"}),),
    ),
    said(PromptRole.TOOL, "7", tool_name="roll"),
)


def test_what_was_said_before_stays_the_same_whichever_tools_are_offered():
    offered = as_text(TALK, (ROLL,))
    assert list(offered[:3]) == list(as_text(TALK, ())[:3]) == list(TALK[:3])
    assert offered[-1] == TALK[-1]
    assert offered[-2].role is PromptRole.SYSTEM


def test_a_note_before_the_last_words_takes_the_tools_in():
    note = said(PromptRole.SYSTEM, "It rains.")
    written = as_text((*TALK[:3], note, TALK[3]), (ROLL,))
    assert len(written) == 5
    assert written[3].content.startswith("It rains.\n\nTools:\n- roll(")


def test_the_tools_stay_where_they_are_through_all_rounds():
    first, second = as_text(TALK, (ROLL,)), as_text((*TALK, *ROUND), (ROLL,))
    assert list(second[: len(first)]) == list(first)
    call, result = second[len(first) :]
    assert call.content == 'CALL: {"name": "roll", "arguments": {"dice": "2d6"}}'
    assert "7" in result.content
    assert result.role is PromptRole.USER


def test_a_signature_tells_kinds_and_hints():
    explained = as_text(TALK, (ROLL,))[-2].content
    line = (
        '- roll(dice: string (Such as 2d6), times?: integer, names?: list of "me" or "you"): '
        "Rolls dice."
    )
    assert line in explained


def test_a_schema_that_refers_to_itself_ends():
    assert "- knot(end?: any): Ties." in as_text(TALK, (ENDLESS,))[-2].content


def test_a_prompt_without_any_persons_words_gets_its_tools_at_the_end():
    assert as_text((SYSTEM,), (ROLL,))[0].content.startswith("You are Mira.\n\nTools:")
    assert as_text((), (ROLL,))[0].role is PromptRole.SYSTEM
