"""The cache stays small and never resurrects what a write has changed."""

from services.storage.cache import RecentCache


def test_least_recently_used_goes_first():
    cache: RecentCache[str, object] = RecentCache(2)
    cache.keep("a", 1)
    cache.keep("b", 2)
    cache.get("a")
    cache.keep("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    assert len(cache) == 2


def test_a_value_read_before_a_drop_is_not_kept_after_it():
    cache: RecentCache[str, object] = RecentCache(2)
    epoch = cache.epoch
    cache.drop("a")
    cache.keep("a", "stale", epoch=epoch)
    assert cache.get("a") is None
    cache.keep("a", "fresh", epoch=cache.epoch)
    assert cache.get("a") == "fresh"
    cache.clear()
    assert cache.get("a") is None
