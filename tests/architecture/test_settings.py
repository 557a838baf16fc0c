"""The settings, their documentation and the code that reads them agree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from services import settings_docs
from services.configuration import ALIASES, load_settings
from services.settings import Settings
from services.settings_schema import setting_fields
from tests.architecture.source_tree import ROOT, parsed, product_files

_NOT_READERS = frozenset(
    f"{name}.py"
    for name in ("settings", "settings_docs", "settings_files", "settings_schema", "configuration")
)


def test_the_generated_files_are_current():
    stale = [path.name for path, _ in settings_docs.outdated(ROOT)]
    assert not stale, "run python -m services.settings_docs"


def test_an_edited_page_counts_as_outdated(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    for path, text in list(settings_docs.outdated(tmp_path)):
        path.write_text(text)
    assert not list(settings_docs.outdated(tmp_path))
    (tmp_path / "docs" / "configuration.md").write_text("mine")
    assert [path.name for path, _ in settings_docs.outdated(tmp_path)] == ["configuration.md"]


def test_every_setting_has_a_description():
    assert not [
        path for path, field in setting_fields(Settings).items() if not field.info.description
    ]


def test_the_example_file_uncommented_is_the_defaults(tmp_path: Path):
    text = (ROOT / "config.example.toml").read_text()
    text = re.sub(r"(?m)^# (?=\w+ = )", "", text)
    config = tmp_path / "config.toml"
    config.write_text(text)
    in_files = [field for field in setting_fields(Settings).values() if not field.secret]
    assert len(re.findall(r"(?m)^\w+ = ", text)) == len(in_files)
    # Only given relative paths start elsewhere, so load from the project's folder.
    loaded = load_settings(config=config, overrides={}, environ={}, cwd=ROOT)
    assert loaded == load_settings(overrides={}, environ={}, cwd=tmp_path / "empty")


def test_the_example_environment_holds_only_names_that_exist(tmp_path: Path):
    text = (ROOT / ".env.example").read_text()
    names = set(re.findall(r"(?m)^# ([A-Z][A-Z0-9_]+)=", text))
    known = {field.variable for field in setting_fields(Settings).values()}
    assert names
    assert names <= known | {alias.variable for alias in ALIASES}
    (tmp_path / ".env").write_text(re.sub(r"(?m)^# (?=[A-Z][A-Z0-9_]+=)", "", text))
    load_settings(overrides={}, environ={}, cwd=tmp_path)


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.variable)
def test_every_alias_stands_for_a_setting(alias):
    assert alias.path in setting_fields(Settings)


def test_every_setting_is_read_by_the_product():
    read = {
        node.attr
        for path in product_files()
        if path.name not in _NOT_READERS or path.parent != ROOT / "services"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    unread = [path for path, field in setting_fields(Settings).items() if field.name not in read]
    assert not unread, "settings nobody reads"
