"""A class of shares is one name however it is written: BRK.B, BRK-B, BRK/B."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.gaps.filters import GapFilters
from core.service.desk import Desk
from core.service.gaps import scans
from core.service.trading.plans import Ask, propose
from tests import price_cases
from tests.price_cases import DAY, series

WRITTEN = ("BRK.B", "BRK-B", "brk/b")


def load(desk: Desk, folder: Path) -> None:
    """A gap of 5 % of BRK.B on twice the usual volume."""
    price_cases.load_text(desk, folder, "\n".join(series("BRK.B", DAY, (105, 106, 104, 105, 1e7))))


@pytest.mark.parametrize("written", WRITTEN)
def test_a_plan_finds_the_prices(desk: Desk, tmp_path: Path, written: str) -> None:
    """The prices say BRK.B; the plan is of that name, whoever asks for it."""
    load(desk, tmp_path)
    assert propose(desk, Ask(written, DAY)).plan.symbol == "BRK.B"


@pytest.mark.parametrize("written", WRITTEN)
def test_an_exclusion_counts(make_desk, tmp_path: Path, written: str) -> None:
    """What is never traded is refused, and what is never scanned is left out with its reason."""
    desk = make_desk(excluded_symbols=[written], gap_exclusions=(written,))
    load(desk, tmp_path)
    verdict = propose(desk, Ask("BRK.B", DAY)).verdict
    (check,) = (check for check in verdict.checks if check.limit == "exclusions")
    assert not check.ok
    scan = scans.run(desk, DAY, {})
    assert scan.candidates.is_empty()
    assert scan.excluded["reason"].to_list() == ["filter: on the exclusion list"]
    assert scan.filters == GapFilters(exclusions=(written,))
