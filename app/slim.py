"""Keeps pandas out of short commands: a sixth of their time, for a question of the engine alone.

Before its first parameter DuckDB imports pandas, to see whether the value is what pandas calls
missing; Arrow does so at its first table. No module of the core uses pandas, so where one of them
stands behind the import it is these that ask; they take the refusal for a machine without pandas
and go on. Whatever else imports pandas (a plugin, Streamlit) gets it, and they see it then.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType

PANDAS = "pandas"
ASKERS = "core."
BETWEEN = ("importlib", "_frozen_importlib", "pyarrow", "duckdb", "_duckdb")
MOST = 500  # refusals, some 20 microseconds each: the engine asks again at every value


class PandasRefused(MetaPathFinder):
    """Refuses pandas to the engine, so many times; then it costs more than it saves."""

    def __init__(self, most: int = MOST) -> None:
        self.left = most

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None leaves the import to the others; ModuleNotFoundError where the engine asks."""
        if fullname != PANDAS or self.left <= 0 or not _asker().startswith(ASKERS):
            return None
        self.left -= 1
        raise ModuleNotFoundError("the engine does without pandas here", name=fullname)


def without_pandas() -> None:
    """From now on the engine of this process does without; once a process."""
    if not any(isinstance(finder, PandasRefused) for finder in sys.meta_path):
        sys.meta_path.insert(0, PandasRefused())


def _asker() -> str:
    """The module whose code is behind an import, past the machinery, the engine and Arrow."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name != __name__ and name.partition(".")[0] not in BETWEEN:
            return name
        frame = frame.f_back
    return ""
