from pathlib import Path

import pytest

from services.domain.errors import ProviderError, ProviderFault
from services.llm.embedded.supervisor import EmbeddedServer, _Tenths
from services.settings import EmbeddedSettings


def server(tmp_path: Path) -> EmbeddedServer:
    settings = EmbeddedSettings(model=str(tmp_path / "absent.gguf"), num_ctx=1024)
    return EmbeddedServer(settings, data=tmp_path / "data", on_notice=lambda code, text: None)


async def test_construction_touches_nothing_and_closing_is_harmless(tmp_path: Path):
    embedded = server(tmp_path)

    assert embedded.num_ctx == 1024
    with pytest.raises(RuntimeError):
        _ = embedded.model_name
    with pytest.raises(ProviderError, match="not running"):
        await embedded.ready()
    await embedded.aclose()
    assert not (tmp_path / "data").exists()


async def test_missing_model_fails_at_start_and_every_time(tmp_path: Path):
    embedded = server(tmp_path)

    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await embedded.start()
        assert caught.value.fault is ProviderFault.MODEL_MISSING


def test_download_is_told_at_every_tenth_only():
    told: list[str] = []
    tenths = _Tenths(lambda code, text: told.append(text))

    for present in range(0, 100_000_001, 1_000_000):
        tenths(present, 100_000_000)

    assert len(told) == 11
    assert told[3] == "Fetching the built-in model: 30 % of 100 MB."
