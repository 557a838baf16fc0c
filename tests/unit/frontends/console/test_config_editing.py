"""Settings files are changed without losing what people wrote in them."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontends.console.config_editing import (
    NotEditable,
    edited_dotenv,
    edited_toml,
    write_atomically,
)

WRITTEN = """\
# mine, hands off
[llm]
model = "old"   # the small one
# num_ctx = 8192

[gate]
keywords = [
  "tide",  # first
]

[persona]
"""


def test_a_value_is_replaced_in_its_line_and_its_comment_stays() -> None:
    changed = edited_toml(WRITTEN, {"llm.model": "new"})
    assert changed == WRITTEN.replace('"old"', '"new"')


def test_a_new_value_goes_behind_its_commented_out_line() -> None:
    changed = edited_toml(WRITTEN, {"llm.num_ctx": 4096})
    assert "# num_ctx = 8192\nnum_ctx = 4096\n" in changed


def test_a_new_value_goes_to_the_end_of_its_section_and_a_new_section_to_the_end() -> None:
    changed = edited_toml(WRITTEN, {"gate.max_hops": 2, "web.port": 1})
    assert "]\nmax_hops = 2\n\n[persona]\n" in changed
    assert changed.endswith("[persona]\n\n[web]\nport = 1\n")


def test_an_empty_file_becomes_a_small_one() -> None:
    changed = edited_toml("", {"llm.model": 'a "b" \\ ü', "llm.endpoint": "ollama"})
    assert tomllib.loads(changed) == {"llm": {"model": 'a "b" \\ ü', "endpoint": "ollama"}}


@pytest.mark.parametrize(
    "text",
    [
        'llm = { model = "old" }\n',
        'llm.model = "old"\n',
        '[llm]\nmodel = """\nold\n"""\n',
        '[llm]\n"model" = "old"\n',
        "[llm\n",
        'llm = "text"\n',
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str) -> None:
    with pytest.raises(NotEditable):
        edited_toml(text, {"llm.model": "new"})


@given(
    old=st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    new=st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
)
def test_any_value_survives(old: str, new: str) -> None:
    text = edited_toml(WRITTEN, {"llm.model": old})
    changed = tomllib.loads(edited_toml(text, {"llm.model": new, "persona.user_name": old}))
    assert changed["llm"] == {"model": new}
    assert changed["persona"] == {"user_name": old}
    assert changed["gate"] == {"keywords": ["tide"]}


def test_a_variable_is_replaced_and_the_others_stay() -> None:
    text = "# keys\nexport OPENAI_API_KEY='old'\nOTHER=1\nOPENAI_API_KEY=older\n"
    changed = edited_dotenv(text, "OPENAI_API_KEY", "sk-new$1")
    assert changed == "# keys\nOTHER=1\nOPENAI_API_KEY='sk-new$1'\n"


def test_a_dotenv_that_is_not_understood_is_left_alone() -> None:
    with pytest.raises(NotEditable):
        edited_dotenv("what is this\n= 1\n", "OPENAI_API_KEY", "sk-new")


def test_a_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]
    assert path.read_text() == "old"
