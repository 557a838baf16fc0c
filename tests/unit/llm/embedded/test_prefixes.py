import os
from pathlib import Path

from services.llm.embedded.prefixes import PrefixFiles, model_identity


def opened(folder: Path, *, stamp: str = "model", keep: int = 16) -> PrefixFiles:
    files = PrefixFiles(folder, stamp=stamp, keep=keep)
    files.open()
    return files


def adopt(files: PrefixFiles, folder: Path, prompt: str) -> str:
    key = files.key(prompt)
    (folder / "new.tmp").write_bytes(prompt.encode())
    files.adopt(key, "new.tmp")
    return key


def test_adopted_snapshot_is_found_again(tmp_path: Path):
    files = opened(tmp_path / "p")
    key = adopt(files, tmp_path / "p", "You are Mira.")

    name = opened(tmp_path / "p").find(key)

    assert name is not None
    assert (tmp_path / "p" / name).read_bytes() == b"You are Mira."


def test_damaged_snapshot_is_deleted_and_not_offered(tmp_path: Path):
    files = opened(tmp_path / "p")
    key = adopt(files, tmp_path / "p", "You are Mira.")
    (file,) = (tmp_path / "p").glob("*.bin")
    file.write_bytes(b"You are Mirb.")

    assert files.find(key) is None
    assert not file.exists()


def test_other_model_or_prompt_has_another_key(tmp_path: Path):
    one = opened(tmp_path, stamp="one")
    other = opened(tmp_path, stamp="other")

    assert len({one.key("a"), one.key("b"), other.key("a")}) == 3


def test_least_recently_used_snapshots_go_first(tmp_path: Path):
    files = opened(tmp_path, keep=2)
    first = adopt(files, tmp_path, "first")
    second = adopt(files, tmp_path, "second")
    for age, file in enumerate(sorted(tmp_path.glob("*.bin"))):
        os.utime(file, ns=(age + 1, age + 1))
    assert files.find(first) is not None

    third = adopt(files, tmp_path, "third")

    assert files.find(first) is not None
    assert files.find(third) is not None
    assert files.find(second) is None


def test_folder_is_private_and_leftovers_go(tmp_path: Path):
    folder = tmp_path / "p"
    opened(folder)
    (folder / "half.tmp").write_bytes(b"x")
    opened(folder)

    assert folder.stat().st_mode & 0o077 == 0
    assert not list(folder.iterdir())


def test_model_replaced_in_place_has_another_identity(tmp_path: Path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"a" * 100)
    before = model_identity(path)
    path.write_bytes(b"b" * 100)

    assert model_identity(path) != before
