"""Datasets of the stand-in container that are made once for as long as their moment lasts."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any


class KeptCsv(ABC):
    """The CSV of each dataset, made anew when its moment has passed. Any thread may ask."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Hashable, bytes, int]] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The datasets there are."""

    @abstractmethod
    def moment(self, name: str) -> Hashable:
        """What a dataset depends on beside its name: while it is the same, so is the dataset."""

    @abstractmethod
    def make(self, name: str, moment: Any) -> tuple[bytes, int]:
        """The CSV of a dataset as of its moment, and its rows; KeyError for an unknown name."""

    def csv(self, name: str) -> bytes:
        """The CSV of a dataset; KeyError when there is none of that name."""
        return self._kept(name)[1]

    def rows(self, name: str) -> int:
        """Number of data rows in the CSV."""
        return self._kept(name)[2]

    def _kept(self, name: str) -> tuple[Hashable, bytes, int]:
        with self._lock:
            moment = self.moment(name)
            kept = self._made.get(name)
            if kept is None or kept[0] != moment:
                kept = self._made[name] = (moment, *self.make(name, moment))
            return kept
