"""Prompts in SillyTavern's order, within the budget, and in the order that keeps caches warm."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.llm.model import PromptRole
from services.persona.assembly.cache_layout import Shares
from services.persona.assembly.examples import example_blocks, example_messages
from services.persona.assembly.filling import filled
from services.persona.assembly.gathering import AssemblyRequest, gather
from services.persona.assembly.greetings import greetings
from services.persona.assembly.injections import with_injections
from services.persona.assembly.layouts import Layout, arrange
from services.persona.assembly.material import (
    AuthorsNote,
    ChatMessage,
    DepthText,
    DescriptionPlace,
    Injection,
    InjectionOrder,
    LayoutTexts,
    LoreTexts,
    NotePlace,
    Piece,
    UserDescription,
)
from services.persona.assembly.measuring import Arranged
from services.persona.character import Character, DepthPrompt
from services.persona.macros.environment import MacroEnvironment

TEXTS = LayoutTexts(
    main="MAIN {{char}}",
    auxiliary="AUX",
    post_history="PHI",
    personality="P: {{personality}}",
    scenario="S: {{scenario}}",
    new_chat="NEW",
    new_group_chat="NEW GROUP {{group}}",
    new_example="EX",
    group_nudge="ONLY {{char}}",
    continue_nudge="GO ON",
    impersonate="AS {{user}}",
)
CARD = Character(
    name="Mira",
    description="{{char}} is kind",
    personality="calm",
    scenario="a cafe",
    mes_example="<START>\n{{user}}: hi\n{{char}}: hello\nthere\n<START>\n{{char}}: bye",
)


def count(text: str) -> int:
    return len(text)


def chat(*texts: str) -> list[ChatMessage]:
    return [
        ChatMessage(name="Sam" if n % 2 == 0 else "Mira",
                    role="user" if n % 2 == 0 else "assistant", content=text)
        for n, text in enumerate(texts)
    ]  # fmt: skip


def arranged(
    budget: int = 100_000,
    layout: Layout = "sillytavern",
    *,
    pin_examples: bool = False,
    shares: Shares | None = None,
    **given: Any,
) -> Arranged:
    known: dict[str, Any] = {
        "character": CARD,
        "environment": MacroEnvironment(
            user="Sam", char="Mira", now=datetime(2026, 1, 1, tzinfo=UTC), rng=random.Random(1)
        ),
        "texts": TEXTS,
        "chat": chat("one", "two", "three"),
    }
    request = AssemblyRequest(**(known | given))
    return arrange(
        gather(request),
        layout,
        budget=budget,
        count=count,
        pin_examples=pin_examples,
        shares=shares,
    )


def contents(prompt: Arranged) -> list[str]:
    return [piece.content for piece in prompt.messages]


def test_the_order_is_sillytaverns() -> None:
    prompt = arranged(
        lore=LoreTexts(before=("L1", "L2"), after=("L3",)),
        user_description=UserDescription(text="{{user}} is tall"),
    )
    assert contents(prompt) == [
        "MAIN Mira", "L1\nL2", "Sam is tall", "Mira is kind", "P: calm", "S: a cafe", "AUX", "L3",
        "EX", "hi", "hello\nthere", "EX", "bye", "NEW", "one", "two", "three", "PHI",
    ]  # fmt: skip
    names = {piece.content: piece.name for piece in prompt.messages}
    assert (names["hi"], names["hello\nthere"]) == ("example_user", "example_assistant")
    assert [piece.role for piece in prompt.messages[-4:]] == [
        PromptRole.USER, PromptRole.ASSISTANT, PromptRole.USER, PromptRole.SYSTEM,
    ]  # fmt: skip


def test_card_overrides_replace_and_may_quote_the_original() -> None:
    card = Character(
        name="Mira", system_prompt="Own. {{original}}", post_history_instructions="End {{original}}"
    )
    prompt = arranged(character=card)
    assert contents(prompt)[0] == "Own. MAIN Mira"
    assert contents(prompt)[-1] == "End PHI"
    for named, shown in (
        ((), ("MAIN Mira", "PHI")),
        (("system_prompt",), ("Own. MAIN Mira", "PHI")),
        (("post_history_instructions",), ("MAIN Mira", "End PHI")),
    ):
        prompt = arranged(character=card, card_overrides=frozenset(named))
        assert (contents(prompt)[0], contents(prompt)[-1]) == shown


def test_depths_count_from_the_newest_message_and_roles_keep_their_order() -> None:
    card = Character(name="Mira", depth_prompt=DepthPrompt(prompt="CARD", depth=1, role="system"))
    prompt = arranged(
        character=card,
        lore=LoreTexts(
            at_depth=(
                DepthText(depth=1, role=PromptRole.SYSTEM, text="LORE"),
                DepthText(depth=1, role=PromptRole.ASSISTANT, text="SAID"),
                DepthText(depth=1, role=PromptRole.USER, text="ASKED"),
                DepthText(depth=0, role=PromptRole.SYSTEM, text="LAST"),
                DepthText(depth=99, role=PromptRole.SYSTEM, text="FIRST"),
            )
        ),
        note=AuthorsNote(text="NOTE", depth=1),
    )
    shown = contents(prompt)
    assert shown[shown.index("NEW") :] == [
        "NEW", "FIRST", "one", "two", "SAID", "ASKED", "NOTE\nCARD\nLORE", "three", "LAST", "PHI",
    ]  # fmt: skip


def test_continuing_keeps_depth_zero_before_the_unfinished_message() -> None:
    lore = LoreTexts(at_depth=(DepthText(depth=0, role=PromptRole.SYSTEM, text="L"),))
    shown = contents(arranged(kind="continue", chat=chat("one", "two"), lore=lore))
    assert shown[-5:] == ["one", "L", "two", "GO ON", "PHI"]


def test_cache_layout_has_nothing_between_an_unfinished_message_and_its_nudge() -> None:
    lore = LoreTexts(before=("LB",))
    for told in (chat("one", "two"), chat("one", "two", "three")):
        shown = contents(arranged(kind="continue", layout="cache", chat=told, lore=lore))
        assert shown[-4:] == ["LB", told[-1].content, "GO ON", "PHI"]


def test_cache_layout_clips_instructions_that_would_take_the_room_of_what_is_answered() -> None:
    card = Character(
        name="Mira", description="d" * 500, post_history_instructions="begin " + "p" * 900 + " end"
    )
    prompt = arranged(layout="cache", budget=600, character=card, chat=chat("why " * 20))
    shown = contents(prompt)
    assert "why " * 20 in shown
    assert shown[-1].startswith("begin ")
    assert shown[-1].endswith(" end")
    assert "jailbreak" in prompt.clipped
    assert prompt.refused == []


def test_cache_layout_keeps_what_is_answered_however_little_an_answer_leaves() -> None:
    card = Character(
        name="Mira", description="d" * 500, mes_example="Mira: e", post_history_instructions="P"
    )
    shares = Shares(card=400, examples=160)
    prompt = arranged(layout="cache", budget=300, character=card, shares=shares, chat=chat("why"))
    assert "why" in contents(prompt)
    assert prompt.refused == []


def test_line_ends_of_examples_are_feeds_and_nothing_else() -> None:
    (piece,) = example_messages("Mira: a\u2028b\x0bc\r\nd", user="Sam", char="Mira")
    assert piece.content == "a\u2028b\x0bc\nd"


def test_note_carries_the_lore_around_it_and_only_when_due() -> None:
    lore = LoreTexts(note_top=("TOP",), note_bottom=("BOTTOM",))
    user = UserDescription(text="tall", place=DescriptionPlace.NOTE_TOP)
    note = AuthorsNote(text="NOTE", place=NotePlace.AFTER_MAIN)
    assert contents(arranged(lore=lore, note=note, user_description=user))[1] == (
        "TOP\ntall\nNOTE\nBOTTOM"
    )
    often = AuthorsNote(text="NOTE", interval=2)
    assert any("NOTE" in text for text in contents(arranged(note=often)))
    rarely = AuthorsNote(text="NOTE", interval=3)
    assert not any("NOTE" in text for text in contents(arranged(note=rarely)))
    never = AuthorsNote(text="NOTE", interval=0)
    assert not any("NOTE" in text for text in contents(arranged(note=never, lore=lore)))


def test_lore_can_add_examples_around_the_cards() -> None:
    lore = LoreTexts(examples_top=("{{char}}: top",), examples_bottom=("Mira: bottom",))
    texts = LayoutTexts()
    shown = contents(arranged(lore=lore, texts=texts))
    assert shown.index("hi") > 0
    assert shown[shown.index("bye") + 1] == "bottom"


def test_group_has_names_its_own_separator_and_a_nudge() -> None:
    shown = contents(arranged(group=("Mira", "Bo"), environment=MacroEnvironment(
        user="Sam", char="Mira", now=datetime(2026, 1, 1, tzinfo=UTC), rng=random.Random(1),
        group=("Mira", "Bo"))))  # fmt: skip
    assert shown[-6:] == [
        "NEW GROUP Mira, Bo", "one", "Mira: two", "three", "ONLY Mira", "PHI",
    ]  # fmt: skip
    assert "Mira: hello\nthere" in shown


def test_impersonation_and_quiet_prompts_come_last() -> None:
    shown = contents(arranged(kind="impersonate", quiet="SUM UP"))
    assert shown[-3:] == ["PHI", "AS Sam", "SUM UP"]


def test_tight_budgets_drop_examples_first_then_old_messages() -> None:
    whole = sum(arranged().tokens.values())
    tight = arranged(budget=whole - 1)
    assert tight.dropped_examples == 1
    assert tight.dropped_history == 0
    shown = contents(tight)
    assert "hi" in shown
    assert "bye" not in shown
    without = sum(
        tokens for source, tokens in arranged().tokens.items() if source != "dialogueExamples"
    )
    tighter = arranged(budget=without - 1)
    assert tighter.dropped_history == 1
    assert contents(tighter)[-3:] == ["two", "three", "PHI"]


def test_nothing_of_a_too_small_budget_is_exceeded_and_it_says_what_was_refused() -> None:
    prompt = arranged(budget=30)
    assert sum(prompt.tokens.values()) <= 30
    assert prompt.refused


def test_cache_order_keeps_what_changes_behind_the_history() -> None:
    deep = DepthText(depth=4, role=PromptRole.SYSTEM, text="D")
    lore = LoreTexts(before=("LB",), after=("LA",), at_depth=(deep,))
    shown = contents(arranged(layout="cache", lore=lore))
    assert shown[:5] == ["MAIN Mira", "Mira is kind", "P: calm", "S: a cafe", "AUX"]
    assert shown[-7:] == ["one", "two", "LB", "LA", "D", "three", "PHI"]


def test_examples_without_start_and_with_leading_text() -> None:
    assert example_blocks("a\nb") == ["a\nb"]
    assert example_blocks("<start>\na<START>b") == ["a", "b"]
    messages = example_messages("intro\nSam: hi", user="Sam", char="Mira")
    assert [(m.name, m.content) for m in messages] == [
        ("example_assistant", "intro"), ("example_user", "hi"),
    ]  # fmt: skip


TEXT = st.text(alphabet="ab ", min_size=1, max_size=6).filter(str.strip)


@given(
    history=st.lists(TEXT, max_size=12),
    depths=st.lists(st.integers(0, 15), max_size=6),
)
def test_injections_never_lose_or_reorder_messages(history: list[str], depths: list[int]) -> None:
    pieces = [Piece(role=PromptRole.USER, content=text, source="chatHistory") for text in history]
    injections = [
        Injection(depth=depth, role=PromptRole.SYSTEM, content=f"#{depth}", source="x",
                  order=InjectionOrder.OTHER)
        for depth in sorted(set(depths))
    ]  # fmt: skip
    found = with_injections(pieces, injections)
    assert [piece for piece in found if piece.source == "chatHistory"] == pieces
    for index, piece in enumerate(found):
        if piece.source == "x":
            after = sum(each.source == "chatHistory" for each in found[index:])
            assert after == min(int(piece.content[1:]), len(history))
    shown = [int(piece.content[1:]) for piece in found if piece.source == "x"]
    assert shown == sorted(shown, reverse=True)


@given(
    budget=st.integers(0, 400),
    history=st.lists(TEXT, max_size=10),
    layout=st.sampled_from(["sillytavern", "cache"]),
)
def test_budget_is_never_exceeded(budget: int, history: list[str], layout: Layout) -> None:
    prompt = arranged(budget=budget, layout=layout, chat=chat(*history))
    assert sum(prompt.tokens.values()) <= budget
    kept = [piece.content for piece in prompt.messages if piece.source == "chatHistory"]
    newest = history[len(history) - len(kept) :]
    if "chatHistory" in prompt.clipped:
        assert layout == "cache"
        kept, newest = kept[:-1], newest[:-1]
    assert kept == newest


def test_empty_parts_leave_no_message() -> None:
    bare = Character(
        name="Mira", description="{{// nothing}}", depth_prompt=DepthPrompt(prompt=" ")
    )
    lore = LoreTexts(before=("  ",), at_depth=(DepthText(depth=0, role=PromptRole.USER, text=" "),))
    user = UserDescription(text="")
    shown = arranged(character=bare, texts=LayoutTexts(), lore=lore, user_description=user)
    assert contents(shown) == ["one", "two", "three"]


def test_general_prompts_a_lorebook_turns_off_are_empty_even_where_quoted() -> None:
    card = Character(name="Mira", system_prompt="Own [{{original}}]")
    off = frozenset({"system_prompt", "post_history_instructions"})
    shown = contents(arranged(character=card, disabled=off))
    assert shown[0] == "Own []"
    assert "PHI" not in shown


def test_original_is_filled_in_once_and_only_in_overrides() -> None:
    card = Character(
        name="Mira", description="d {{original}}", system_prompt="{{original}}/{{original}}"
    )
    shown = contents(arranged(character=card))
    assert shown[:2] == ["MAIN Mira/", "d {{original}}"]


def test_lore_for_a_part_of_the_card_stands_behind_that_part() -> None:
    lore = LoreTexts(personality=("shy",), scenario=("at night",))
    shown = contents(arranged(lore=lore))
    assert "P: calm\nshy" in shown
    assert "S: a cafe\nat night" in shown
    shown = contents(arranged(character=Character(name="Mira"), lore=lore))
    assert shown[1:3] == ["shy", "at night"]


def test_user_description_has_every_place() -> None:
    def shown(place: DescriptionPlace, **more: Any) -> list[str]:
        user = UserDescription(text="TALL", place=place, depth=1)
        return contents(arranged(user_description=user, **more))

    note = AuthorsNote(text="NOTE")
    assert "TALL" in shown(DescriptionPlace.IN_PROMPT)
    assert "TALL\nNOTE" in shown(DescriptionPlace.NOTE_TOP, note=note)
    assert "NOTE\nTALL" in shown(DescriptionPlace.NOTE_BOTTOM, note=note)
    assert shown(DescriptionPlace.AT_DEPTH)[-3:] == ["TALL", "three", "PHI"]
    assert not any("TALL" in text for text in shown(DescriptionPlace.NOWHERE))


def test_note_stands_before_or_after_the_main_prompt_in_its_role() -> None:
    for place, order in (
        (NotePlace.BEFORE_MAIN, ["NOTE", "MAIN Mira"]),
        (NotePlace.AFTER_MAIN, ["MAIN Mira", "NOTE"]),
    ):
        note = AuthorsNote(text="NOTE", place=place, role=PromptRole.USER)
        prompt = arranged(note=note)
        assert contents(prompt)[:2] == order
        assert prompt.messages[order.index("NOTE")].role is PromptRole.USER


def test_note_of_an_interval_waits_for_the_first_message_of_the_user() -> None:
    note = AuthorsNote(text="NOTE", interval=2)
    greeting = [ChatMessage(name="Mira", role="assistant", content="hi")]
    assert not any("NOTE" in text for text in contents(arranged(note=note, chat=greeting)))


def test_continue_nudge_follows_the_group_nudge() -> None:
    shown = contents(arranged(kind="continue", group=("Mira", "Bo"), chat=chat("one", "two")))
    assert shown[-3:] == ["ONLY Mira", "GO ON", "PHI"]


def test_impersonation_in_a_group_has_no_group_nudge() -> None:
    shown = contents(arranged(kind="impersonate", group=("Mira", "Bo")))
    assert "ONLY Mira" not in shown
    assert shown[-1] == "AS Sam"


def test_pinned_examples_are_taken_before_the_history() -> None:
    whole = sum(arranged().tokens.values())
    pinned = arranged(budget=whole - 1, pin_examples=True)
    assert (pinned.dropped_examples, pinned.dropped_history) == (0, 1)


def test_example_blocks_are_kept_whole() -> None:
    card = Character(name="Mira", mes_example="<START>\n{{user}}: a\n{{char}}: b\n" * 3)
    whole = sum(arranged(character=card).tokens.values())
    tight = contents(arranged(character=card, budget=whole - 1))
    assert (tight.count("EX"), tight.count("a"), tight.count("b")) == (2, 2, 2)


def test_messages_of_the_chat_hold_macros_only_when_asked() -> None:
    said = [ChatMessage(name="Sam", role="user", content="{{char}}!\r\nhm")]
    assert "{{char}}!\nhm" in contents(arranged(chat=said))
    assert "Mira!\nhm" in contents(arranged(chat=said, fill_chat=True))


def test_narration_of_a_group_is_system_and_has_no_name() -> None:
    said = [ChatMessage(name="Narrator", role="system", content="rain")]
    prompt = arranged(chat=said, group=("Mira", "Bo"))
    (rain,) = [piece for piece in prompt.messages if piece.source == "chatHistory"]
    assert (rain.role, rain.content) == (PromptRole.SYSTEM, "rain")


def test_filling_a_card_changes_variables_once() -> None:
    environment = MacroEnvironment(
        user="Sam", char="Mira", now=datetime(2026, 1, 1, tzinfo=UTC), rng=random.Random(1)
    )
    card = filled(Character(name="Mira", description="day {{incvar::day}}"), environment)
    shown = contents(arranged(character=card, environment=environment))
    assert "day 1" in shown
    assert environment.local["day"] == "1"


def test_cache_layout_cuts_history_where_it_stays_put() -> None:
    long = chat(*(f"m{n:03}" for n in range(100)))
    starts = []
    for end in range(60, 100):
        prompt = arranged(layout="cache", budget=700, chat=long[:end])
        said = [piece.content for piece in prompt.messages if piece.source == "chatHistory"]
        starts.append(int(said[0][1:]) + 1)
        assert said == [each.content for each in long[end - len(said) : end]]
    assert starts == sorted(starts)
    assert all(start % 8 == 0 for start in starts)
    assert len(set(starts)) <= 4


def test_cache_layout_begins_with_the_same_whatever_lore_and_user_there_are() -> None:
    card = Character(name="Mira", description="{{char}} is kind", mes_example=CARD.mes_example)
    lore = LoreTexts(
        before=("LB",),
        examples_top=("Mira: as lore has it",),
        personality=("shy",),
        note_top=("TOP",),
    )
    user = UserDescription(text="tall")
    bare = arranged(layout="cache", character=card)
    rich = arranged(layout="cache", character=card, lore=lore, user_description=user)
    assert bare.messages[: bare.opening] == rich.messages[: rich.opening]
    assert contents(bare)[: bare.opening] == [
        "MAIN Mira", "Mira is kind", "AUX", "EX\nSam: hi\nMira: hello\nthere", "EX\nMira: bye",
        "NEW",
    ]  # fmt: skip
    late = contents(rich)[rich.opening + 2 : -2]
    assert late == ["tall", "LB", "shy", "EX\nMira: as lore has it", "TOP"]


def test_cache_layout_keeps_examples_whatever_the_history_takes() -> None:
    few = arranged(layout="cache", budget=900, chat=chat("one"))
    many = arranged(layout="cache", budget=900, chat=chat(*["one two three"] * 99))
    assert many.dropped_history > 0
    assert many.messages[: many.opening] == few.messages[: few.opening]
    assert many.dropped_examples == 0
    small = Shares(card=400, examples=40)
    tight = arranged(layout="cache", budget=900, shares=small)
    assert tight.dropped_examples == 1


def test_cache_layout_clips_a_card_that_is_too_long_and_says_so() -> None:
    card = Character(name="Mira", description="begin " + "x" * 900 + " end", personality="calm")
    prompt = arranged(layout="cache", budget=800, character=card)
    texts = {piece.source: piece.content for piece in prompt.messages}
    assert texts["charDescription"].startswith("begin ")
    assert texts["charDescription"].endswith(" end")
    assert len(texts["charDescription"]) <= 400
    assert texts["charPersonality"] == "P: calm"
    assert prompt.clipped == ["charDescription"]
    assert "three" in contents(prompt)


def test_cache_layout_leaves_room_for_what_is_answered_before_lore() -> None:
    lore = LoreTexts(before=("L" * 250,))
    prompt = arranged(layout="cache", budget=400, lore=lore, chat=chat("why " * 100))
    shown = contents(prompt)
    assert "worldInfoBefore" in prompt.refused
    assert any(text.startswith("why ") and "[…]" in text for text in shown)


def test_a_common_opening_keeps_what_is_the_speakers_behind_the_history() -> None:
    card = Character(name="Mira", description="both", system_prompt="Own. {{original}}")
    shown = arranged(layout="cache", character=card, common_opening=True, group=("Mira", "Bo"))
    own = [(piece.source, piece.content) for piece in shown.messages[shown.opening :]]
    assert contents(shown)[0] == "MAIN Mira"
    assert own[-5:] == [
        ("chatHistory", "three"), ("main", "Own."), ("nsfw", "AUX"), ("groupNudge", "ONLY Mira"),
        ("jailbreak", "PHI"),
    ]  # fmt: skip


def test_what_is_filled_in_already_is_not_taken_for_macros_again() -> None:
    card = Character(
        name="Mira", description="a {{char}}", personality="b {{char}}", mes_example="{{char}}: c"
    )
    user = UserDescription(text="d {{char}}")
    shown = contents(arranged(character=card, user_description=user, filled=True))
    assert [text for text in shown if "{{char}}" in text] == [
        "d {{char}}", "a {{char}}", "P: b {{char}}", "{{char}}: c",
    ]  # fmt: skip


def test_greetings_of_groups_are_for_groups() -> None:
    card = Character(
        name="M", first_mes="a", alternate_greetings=("b", " "), group_only_greetings=("c",)
    )
    assert greetings(card) == ["a", "b"]
    assert greetings(card, group=True) == ["a", "b", "c"]
