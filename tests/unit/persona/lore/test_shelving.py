"""Lorebooks put into their folder."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.domain.errors import InvalidRequest, StorageError
from services.persona.lore import shelving
from services.persona.lore.shelving import LorebookTaken, Offered, put_book
from tests.fakes.lore import entry


def content(text="It is foggy."):
    return json.dumps({"entries": {"1": entry(1, "harbour", content=text)}}).encode()


def put(folder, name="harbour", *, text="It is foggy.", replace=False):
    offered = Offered(name=name, content=content(text), replace=replace)
    return put_book(folder, offered, most_entries=5000)


def test_book_is_kept_as_it_came(tmp_path):
    book = put(tmp_path / "lorebooks", "The harbour.json")
    assert book.entries[0].content == "It is foggy."
    assert (tmp_path / "lorebooks" / "The harbour.json").read_bytes() == content()
    assert len(list((tmp_path / "lorebooks").iterdir())) == 1, "nothing unfinished stays"


def test_of_several_at_once_one_gets_the_name(tmp_path):
    def one(n):
        try:
            put(tmp_path, text=f"It is {n}.")
        except LorebookTaken:
            return None
        return n

    with ThreadPoolExecutor(8) as threads:
        [kept] = [n for n in threads.map(one, range(8)) if n is not None]
    assert (tmp_path / "harbour.json").read_bytes() == content(f"It is {kept}.")


def test_replaced_book_stays_beside_the_new_one(tmp_path):
    put(tmp_path)
    put(tmp_path, text="It is clear.", replace=True)
    put(tmp_path, text="It is late.", replace=True)
    assert (tmp_path / "harbour.json").read_bytes() == content("It is late.")
    assert (tmp_path / "harbour.json.before").read_bytes() == content("It is clear.")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\\b", ".x", "a,b", "a\x00b", "x" * 61])
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(InvalidRequest):
        put(tmp_path / "lorebooks", name)
    assert list(tmp_path.rglob("*.json")) == []


def test_full_folder_takes_no_further_book_but_another_version(tmp_path, monkeypatch):
    monkeypatch.setattr(shelving, "MOST_FILES", 1)
    put(tmp_path)
    with pytest.raises(InvalidRequest) as refused:
        put(tmp_path, "hill")
    assert refused.value.code == "lorebook_folder_full"
    put(tmp_path, text="It is clear.", replace=True)


def test_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "lorebooks").write_text("a file")
    with pytest.raises(StorageError):
        put(tmp_path / "lorebooks")
