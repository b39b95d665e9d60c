"""Cash of corporate actions in one currency, row by row."""

from __future__ import annotations

import polars as pl
import pytest

from core.domain.gaps.bars import cash_in

ROWS = [
    # kind, amount, currency -> kind, amount, currency
    (("dividend", 2.0, "USD"), ("dividend", 2.0, "USD")),
    (("dividend", 2.0, " USD "), ("dividend", 2.0, "USD")),
    (("dividend", 2.0, None), ("dividend", 2.0, "USD")),  # taken to be the instrument's
    (("dividend", 2.0, ""), ("dividend", 2.0, "USD")),
    (("dividend", 2.0, "chf"), ("dividend", 2.5, "USD")),
    (("dividend", 50.0, "GBp"), ("dividend", 0.75, "USD")),
    (("dividend", 2.0, "GBP"), ("dividend", 3.0, "USD")),
    (("dividend", 2.0, "EUR"), ("foreign", None, "EUR")),
    (("split", 2.0, "EUR"), ("split", 2.0, "EUR")),  # no cash
]
COLUMNS = ("kind", "amount", "currency")


def test_every_row_is_in_one_currency_or_of_its_own_kind() -> None:
    """As stated, in pence, unstated, without a rate; what is no cash stays as it is."""
    given = pl.DataFrame([row for row, _ in ROWS], schema=COLUMNS, orient="row")
    found = cash_in(given, "USD", {"GBP": 1.5, "CHF": 1.25}, "foreign")
    for (kind, amount, currency), (_, wanted) in zip(found.rows(), ROWS, strict=True):
        assert (kind, currency) == (wanted[0], wanted[2])
        assert amount == (None if wanted[1] is None else pytest.approx(wanted[1]))
