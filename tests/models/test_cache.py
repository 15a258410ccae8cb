"""The cache of loaded checkpoints: what stays, what leaves, and when."""

from dataclasses import dataclass

import pytest

from models.cache import ModelCache


@dataclass(frozen=True)
class Fake:
    name: str
    nbytes: int


def fill(cache: ModelCache[Fake], *models: Fake) -> None:
    for model in models:
        cache.get_or_load(model.name, model.nbytes, lambda model=model: model)  # type: ignore[misc]


def test_a_known_model_is_not_loaded_again() -> None:
    cache: ModelCache[Fake] = ModelCache(10)
    fill(cache, Fake("a", 4))
    again = cache.get_or_load("a", 4, lambda: pytest.fail("loaded twice"))
    assert again == Fake("a", 4)


def test_the_least_recently_used_leaves_first() -> None:
    released: list[int] = []
    cache: ModelCache[Fake] = ModelCache(10, lambda: released.append(1))
    fill(cache, Fake("a", 4), Fake("b", 4), Fake("a", 4), Fake("c", 5))
    loaded: list[str] = []

    def load(name: str) -> Fake:
        loaded.append(name)
        return Fake(name, 4)

    cache.get_or_load("a", 4, lambda: load("a"))
    cache.get_or_load("b", 4, lambda: load("b"))
    assert loaded == ["b"]
    assert released == [1, 1]


def test_room_is_made_before_loading() -> None:
    cache: ModelCache[Fake] = ModelCache(10)
    fill(cache, Fake("a", 8))
    sizes: list[int] = []

    def load() -> Fake:
        sizes.append(cache.nbytes)
        return Fake("b", 9)

    cache.get_or_load("b", 9, load)
    assert sizes == [0]
    assert cache.nbytes == 9


def test_a_model_larger_than_the_limit_is_kept_alone() -> None:
    cache: ModelCache[Fake] = ModelCache(10)
    fill(cache, Fake("a", 4), Fake("huge", 100))
    assert (len(cache), cache.nbytes) == (1, 100)


def test_a_failed_load_caches_nothing() -> None:
    cache: ModelCache[Fake] = ModelCache(10)
    fill(cache, Fake("a", 4))

    def load() -> Fake:
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        cache.get_or_load("b", 4, load)
    assert (len(cache), cache.nbytes) == (1, 4)


def test_clear() -> None:
    released: list[int] = []
    cache: ModelCache[Fake] = ModelCache(10, lambda: released.append(1))
    fill(cache, Fake("a", 4), Fake("b", 0))
    cache.clear()
    assert (len(cache), released) == (0, [1])
