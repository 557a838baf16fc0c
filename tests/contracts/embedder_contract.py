"""The suite that every embedder passes."""

import asyncio

import numpy as np

TEXTS = [
    "My cat Whiskers sleeps on the sofa all day",
    "The ferry to the island leaves at nine in the morning",
    "Our bakery sells fresh bread with rye and sunflower seeds",
]


class EmbedderContract:
    """Subclasses give the fixture ``embedder``; ``understands`` where it is a real model."""

    understands = False

    async def test_it_names_itself_before_it_is_loaded(self, embedder):
        engine, _, model = embedder.id.partition(":")
        assert engine
        assert model
        assert embedder.id == embedder.id.strip()

    async def test_vectors_have_length_one_and_are_the_same_each_time(self, embedder):
        made = await embedder.passages(TEXTS)
        assert made.shape[0] == 3
        assert made.dtype == np.float32
        assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-4)
        again = await embedder.passages(list(reversed(TEXTS)))
        assert np.allclose(made, again[::-1], atol=1e-3)
        asked = await embedder.query(TEXTS[0])
        assert asked.shape == (made.shape[1],)
        assert asked.dtype == np.float32
        assert np.isclose(np.linalg.norm(asked), 1, atol=1e-4)

    async def test_a_search_is_nearest_to_what_it_is_about(self, embedder):
        made = await embedder.passages(TEXTS)
        for place, words in enumerate(
            ["cat Whiskers on the sofa", "ferry to the island", "bread with rye"]
        ):
            assert int(np.argmax(made @ await embedder.query(words))) == place
        if self.understands:
            assert int(np.argmax(made @ await embedder.query("boat trip departure time"))) == 1

    async def test_no_texts_are_no_vectors(self, embedder):
        made = await embedder.passages([])
        assert len(made) == 0

    async def test_odd_texts_have_vectors_too(self, embedder):
        odd = ["", " \n", "\x00", "a\x00b", "\ud800 lone", "🦊" * 50, "你好，世界", "x" * 1_000_000]
        made = await embedder.passages(odd)
        assert made.shape[0] == len(odd)
        assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-4)
        assert np.isfinite(await embedder.query("")).all()
        assert np.isfinite(await embedder.query("word " * 200_000)).all()

    async def test_calls_at_the_same_time_do_not_mix(self, embedder):
        alone = await embedder.passages(TEXTS)
        asked = [await embedder.query(text) for text in TEXTS]
        many = await asyncio.gather(
            *(embedder.passages([text]) for text in TEXTS),
            *(embedder.query(text) for text in TEXTS),
        )
        for place in range(3):
            assert np.allclose(many[place][0], alone[place], atol=1e-3)
            assert np.allclose(many[3 + place], asked[place], atol=1e-3)

    async def test_a_cancelled_call_leaves_it_usable(self, embedder):
        await embedder.query("warm up")
        running = asyncio.ensure_future(embedder.passages(TEXTS * 20))  # noqa: TID251
        await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert len(await embedder.passages(TEXTS)) == 3

    async def test_closing_twice_is_fine(self, embedder):
        await embedder.query("warm up")
        await embedder.close()
        await embedder.close()
