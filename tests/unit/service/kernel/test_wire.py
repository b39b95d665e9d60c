"""What one process hands another comes over with its types, and nothing else does."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.access.principals import LOCAL, Role
from core.domain.trading.ledger import Posting
from core.errors import ProtocolError, UsageError
from core.service.kernel import wire

_scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
    | st.floats(allow_nan=False) | st.dates() | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0))
    | st.sampled_from(Role)
)  # fmt: skip
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.dates(), inner)
    ),
    max_leaves=10,
)


@given(_values)
def test_plain_values_come_back_equal_and_of_their_kind(value: Any) -> None:
    """Also nested, and with keys that are no text."""
    back = wire.loads(wire.dumps(value))
    assert (back, repr(back)) == (value, repr(value))


@pytest.mark.parametrize(
    "value",
    [
        LOCAL,
        Posting("cash", Decimal("1.10"), Decimal(0)),
        (Path("/a b"), time(9, 30), timedelta(seconds=1.5)),
        frozenset({"a"}),
        (date(2026, 11, 27), datetime(2026, 11, 27, tzinfo=UTC)),
        float("inf"),
    ],
)
def test_values_of_the_desk_come_back_equal(value: Any) -> None:
    """Dataclasses by their constructor; a date is no instant."""
    back = wire.loads(wire.dumps(value))
    assert back == value
    assert type(back) is type(value)


def test_a_frame_comes_back() -> None:
    """With its schema."""
    frame = pl.DataFrame({"a": [1, None], "d": [date(2026, 1, 1), None]})
    assert wire.loads(wire.dumps({"frame": frame}))["frame"].equals(frame)


def test_what_is_open_cannot_travel() -> None:
    """A sentence names it."""
    with pytest.raises(UsageError, match="BytesIO cannot be handed"):
        wire.dumps([io.BytesIO()])


@pytest.mark.parametrize(
    "plain",
    [
        ["data", "os:stat_result", {}],
        ["data", "subprocess:Popen", {"args": "true"}],
        ["data", "core.service.desk:Desk", {}],
        ["data", "core.domain.access.principals:Role", {}],
        ["enum", "core.domain.access.principals:Role", "king"],
        ["data", "core.domain.access.principals:Principal", {"more": 1}],
        ["enum", "core.errors:orjson.dumps", 1],
        ["unknown", 1],
        ["decimal", "x"],
        [],
    ],
)
def test_what_is_none_of_ours_is_refused(plain: list[Any]) -> None:
    """No class but those made to hold data, and no module but ours."""
    with pytest.raises(ProtocolError):
        wire.loads(orjson.dumps(plain))
