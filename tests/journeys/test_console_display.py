"""What the console shows of replies that a card's scripts dress up, against what is kept."""

from __future__ import annotations

import io
import json
from pathlib import Path

from frontends.console.talk import Talk
from frontends.console.terminal import TerminalView
from frontends.console.views import JsonView, TextView, View
from tests.fakes.app import PLACE, SAM, App, opened_app
from tests.fakes.scripted_model import ScriptedModel
from tests.journeys.test_scenery import write_card

SCRIPTS = [
    {"scriptName": "stars", "findRegex": "/\\*(.+?)\\*/g", "replaceString": "_$1_",
     "placement": [1, 2], "markdownOnly": True},
    {"scriptName": "you", "findRegex": "/\\byou\\b/g", "replaceString": "{{user}}",
     "placement": [2], "markdownOnly": True},
]  # fmt: skip


def talk(app: App, view: View) -> Talk:
    return Talk(app.factory, view=view, author=SAM, conversation=PLACE)


async def test_people_see_replies_greetings_versions_and_history_dressed(tmp_path: Path) -> None:
    persona = write_card(
        tmp_path / "cards",
        first_mes="*nods* Welcome to you.",
        alternate_greetings=["*smiles* Ah, you."],
        extensions={"regex_scripts": SCRIPTS},
    )
    model = ScriptedModel("*waves* Hello to you.")
    async with opened_app(tmp_path, model, persona=persona) as app:
        out = io.StringIO()
        here = talk(app, TextView(out, io.StringIO()))
        await here.greet()
        await here.hear("/swipe")
        await here.hear("*bows* hi")
        await here.hear("/history")
        assert out.getvalue().splitlines() == [
            "Nell: _nods_ Welcome to Sam.",
            "(version 2 of 2)",
            "Nell: _smiles_ Ah, Sam.",
            "_waves_ Hello to Sam.",
            "#2 Nell: _smiles_ Ah, Sam.",
            "#3 Sam: _bows_ hi",
            "#4 Nell: _waves_ Hello to Sam.",
        ]
        assert [text for _, text in await app.history()] == [
            "*smiles* Ah, you.", "*bows* hi", "*waves* Hello to you.",
        ]  # fmt: skip


async def test_the_terminal_shows_the_dressed_reply_once(tmp_path: Path) -> None:
    persona = write_card(tmp_path / "cards", extensions={"regex_scripts": SCRIPTS})
    async with opened_app(tmp_path, ScriptedModel("*waves* Hi."), persona=persona) as app:
        out = io.StringIO()
        await talk(app, TerminalView(out, colours=False)).hear("Hello there")
        assert "Nell: _waves_ Hi.\n" in out.getvalue()
        assert "*waves*" not in out.getvalue()


async def test_programs_get_what_is_kept_as_it_comes(tmp_path: Path) -> None:
    persona = write_card(tmp_path / "cards", extensions={"regex_scripts": SCRIPTS})
    async with opened_app(tmp_path, ScriptedModel("*waves* Hello now."), persona=persona) as app:
        out = io.StringIO()
        await talk(app, JsonView(out)).hear("Hello there")
        printed = [json.loads(line) for line in out.getvalue().splitlines()]
    deltas = [line["text"] for line in printed if line["kind"] == "text_delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == "*waves* Hello now."
    assert printed[-1]["reply"]["text"] == "*waves* Hello now."
