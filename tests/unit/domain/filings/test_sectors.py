"""The sector of a company: as the universe has it, else by its SIC code."""

from __future__ import annotations

import pytest

from core.domain.filings.sectors import sector_of


@pytest.mark.parametrize(
    ("sector", "sic", "found"),
    [
        ("Energy", "7372", "Energy"),
        (" N/A ", "7372", "Services (SIC division)"),
        (None, "100", "Agriculture, forestry and fishing (SIC division)"),  # 0100
        ("", "1311", "Mining (SIC division)"),
        (None, "1850", "unknown"),  # between two divisions
        (None, "9999", "unknown"),
        ("-", "73720", "unknown"),
        (None, "7a72", "unknown"),
        (None, None, "unknown"),
    ],
)
def test_the_sector_of(sector: str | None, sic: str | None, found: str) -> None:
    """A word that says nothing counts as none; a code without a division stays unknown."""
    assert sector_of(sector, sic) == found
