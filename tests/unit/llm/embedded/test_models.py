from pathlib import Path

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded.catalog import DEFAULT, SMALL
from services.llm.embedded.models import HubModel, ModelStore
from services.settings import EmbeddedSettings
from tests.unit.llm.embedded.gguf_files import gguf, write_model


def store(tmp_path: Path, wanted: str | None = None) -> ModelStore:
    settings = EmbeddedSettings(model=wanted, hub_url="http://hub.example/")
    return ModelStore(settings, data=tmp_path / "data", installed=tmp_path / "installed")


def test_default_is_preferred_wherever_it_lies(tmp_path: Path):
    write_model(tmp_path / "data/models" / SMALL.file_name)
    default = write_model(tmp_path / "installed" / DEFAULT.file_name)

    assert store(tmp_path).find() == default


def test_small_model_is_taken_when_it_is_all_there_is(tmp_path: Path):
    small = write_model(tmp_path / "installed" / SMALL.file_name)
    write_model(tmp_path / "data/models/another.gguf")

    assert store(tmp_path).find() == small


def test_any_model_in_the_data_folder_is_better_than_none(tmp_path: Path):
    other = write_model(tmp_path / "data/models/another.gguf")

    assert store(tmp_path).find() == other


@pytest.mark.parametrize("wanted", ["My-Model", "my-model.gguf"])
def test_name_is_found_in_either_form(tmp_path: Path, wanted: str):
    mine = write_model(tmp_path / "data/models/My-Model.gguf")
    write_model(tmp_path / "installed" / DEFAULT.file_name)

    assert store(tmp_path, wanted).find() == mine


def test_path_wins_over_everything(tmp_path: Path):
    write_model(tmp_path / "installed" / DEFAULT.file_name)
    mine = write_model(tmp_path / "elsewhere/x.gguf")

    assert store(tmp_path, str(mine)).find() == mine


def test_hub_name_is_fetched_only_when_it_is_not_here(tmp_path: Path):
    models = store(tmp_path, "owner/repo/sub/file.gguf")
    target = tmp_path / "data/models/owner--repo--sub--file.gguf"

    assert models.find() == HubModel(
        url="http://hub.example/owner/repo/resolve/main/sub/file.gguf", target=target
    )
    write_model(target)
    assert models.find() == target


@pytest.mark.parametrize(
    "wanted", [None, "absent", "models/absent.gguf", "../../etc/absent.gguf", "/no/such/file.gguf"]
)
def test_missing_model_says_what_to_do(tmp_path: Path, wanted: str | None):
    with pytest.raises(ProviderError) as caught:
        store(tmp_path, wanted).find()

    assert caught.value.fault is ProviderFault.MODEL_MISSING
    assert "make setup" in caught.value.user_message
    assert "OLLAMA_HOST" in caught.value.user_message


async def test_truncated_file_is_refused_in_one_sentence(tmp_path: Path):
    path = write_model(tmp_path / "x.gguf", gguf()[:-100])

    with pytest.raises(ProviderError) as caught:
        await store(tmp_path, str(path)).obtain()

    assert caught.value.fault is ProviderFault.MALFORMED
    assert "is cut off" in caught.value.user_message
    assert str(path) in caught.value.user_message
