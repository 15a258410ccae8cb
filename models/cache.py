"""Loaded checkpoints kept in memory, the least recently used one leaving first."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""


ModelT = TypeVar("ModelT", bound=Sized)


class ModelCache(Generic[ModelT]):
    """Keeps models while their bytes fit `limit`; the newest one is kept even if it alone does not.

    Safe for several threads; one load runs at a time. `release` is called after models left, for
    example to give memory back to a GPU.
    """

    def __init__(self, limit: int, release: Callable[[], None] = lambda: None) -> None:
        self._limit = limit
        self._release = release
        self._models: OrderedDict[Hashable, ModelT] = OrderedDict()
        self._lock = threading.RLock()

    def get_or_load(self, key: Hashable, size_hint: int, load: Callable[[], ModelT]) -> ModelT:
        """The model of this key, loaded now if it is not here.

        Room for `size_hint` bytes is made before, so that two big models never lie in memory
        together when only one fits. An error of `load` passes through and caches nothing.
        """
        with self._lock:
            if key in self._models:
                self._models.move_to_end(key)
                return self._models[key]
            self._shrink(self._limit - size_hint)
            model = load()
            self._shrink(self._limit - model.nbytes)
            self._models[key] = model
            return model

    def clear(self) -> None:
        """Forget all models."""
        with self._lock:
            self._shrink(-1)

    @property
    def nbytes(self) -> int:
        """Memory of all models kept here, in bytes."""
        with self._lock:
            return sum(model.nbytes for model in self._models.values())

    def __len__(self) -> int:
        with self._lock:
            return len(self._models)

    def _shrink(self, limit: int) -> None:
        left = False
        while self._models and self.nbytes > limit:
            self._models.popitem(last=False)
            left = True
        if left:
            gc.collect()
            self._release()
