"""The market that is made for `benchmarks.market`: what it makes is what the desk can load."""

from __future__ import annotations

import json

import pytest

from benchmarks import market


@pytest.mark.parametrize(
    ("body", "told"),
    [(b'{"cik":7,"entityName":"X"}', 30_000_007), (b'{"cik":"0000000007","x":1}', "0030000007")],
)
def test_a_copy_has_a_number_of_its_own(body: bytes, told: object) -> None:
    """As a number in facts, as ten digits in submissions."""
    assert json.loads(market._numbered(body, 7, 3))["cik"] == told


def test_the_day_brings_the_newest_filing_once_more() -> None:
    """Filed a day later, under a number of its own; older ones are left alone."""
    old = {"accn": "0000000007-25-000001", "filed": "2025-02-28", "end": "2024-12-31", "val": 1}
    new = {"accn": "0000000007-26-000001", "filed": "2026-02-28", "end": "2025-12-31", "val": 2}
    answer = {"facts": {"us-gaap": {"Assets": {"units": {"USD": [old, new]}}}}}
    (*before, added) = market._filed(answer)["facts"]["us-gaap"]["Assets"]["units"]["USD"]
    assert before == [old, new]
    assert added == new | {"accn": "0000000007-26-999999", "filed": "2026-03-01"}


def test_prices_of_as_many_names_as_companies() -> None:
    """Whole bars: the high is above, the low below."""
    head, *rows = market.prices(10)
    assert (head, len(rows)) == (market.HEAD, 10 * len(market.SESSIONS))
    for row in rows:
        _, _, opened, high, low, close, _ = row.split(",")
        assert int(low) <= min(int(opened), int(close)) <= max(int(opened), int(close)) <= int(high)
