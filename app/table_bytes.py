"""A table that stays the same is written as Arrow once, not at every rerun that shows it.

Streamlit writes each table anew: three calls that let go of the interpreter lock and wait for it
again, half of what a table costs when many readers ask at once. The desk shares its tables between
sessions and changes none of them, so the bytes are kept as long as the table itself lives.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from streamlit import dataframe_util

from components.kit import once

Write = Callable[[pa.Table], bytes]


class Written:
    """Writes a table as `write` does, which is asked once per table."""

    def __init__(self, write: Write) -> None:
        self.write = write

    def __call__(self, table: pa.Table) -> bytes:
        """The table as Arrow IPC."""
        return once.of(table, lambda: self.write(table), "as Arrow")


def remember() -> None:
    """Let the pages of this process send tables that are written once."""
    if not isinstance(dataframe_util.convert_arrow_table_to_arrow_bytes, Written):
        written = Written(dataframe_util.convert_arrow_table_to_arrow_bytes)
        dataframe_util.convert_arrow_table_to_arrow_bytes = written
