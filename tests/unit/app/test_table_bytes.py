"""Tables are sent as Streamlit would send them, but written once while they live."""

from __future__ import annotations

import gc

import pyarrow as pa
import pytest
from streamlit import dataframe_util

from app.table_bytes import Written, remember
from components.kit import once


@pytest.fixture
def stock(monkeypatch):
    """What Streamlit itself does, put back after the test."""
    now = dataframe_util.convert_arrow_table_to_arrow_bytes
    plain = now.write if isinstance(now, Written) else now
    monkeypatch.setattr(dataframe_util, "convert_arrow_table_to_arrow_bytes", plain)
    return plain


def test_the_bytes_are_those_of_streamlit(stock):
    """Numbers, words and lists are byte for byte the same, at the first call and the next."""
    table = pa.table({"n": [1, None], "word": ["a", "b"], "list": [["x"], []]})
    written = Written(stock)
    assert written(table) == stock(table)
    assert written(table) == stock(table)


def test_a_table_is_written_once_while_it_lives():
    """Equal tables are two tables; one that is gone leaves nothing behind."""
    calls = []
    written = Written(lambda table: calls.append(table.num_rows) or b"x")
    first, second = pa.table({"n": [1]}), pa.table({"n": [1]})
    for table in (first, second, first, second):
        written(table)
    assert calls == [1, 1]
    kept = len(once._of)
    del first, second, table
    gc.collect()
    assert len(once._of) == kept - 2


def test_it_is_put_in_place_once(stock):
    """Asking twice does not wrap what is wrapped."""
    remember()
    inner = dataframe_util.convert_arrow_table_to_arrow_bytes
    remember()
    assert dataframe_util.convert_arrow_table_to_arrow_bytes is inner
    assert inner.write is stock
