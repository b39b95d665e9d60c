"""What a pull of many companies says of those that failed."""

from __future__ import annotations

import pytest

from core.errors import NotFoundError, TransportError
from core.jobs.pulling.each_company import CompaniesOutcome


def outcome(failed: int, skipped: int = 0) -> CompaniesOutcome:
    """Two stored, one unchanged, one missing, and so many that failed."""
    wrong = {cik: TransportError(f"no answer {cik}") for cik in range(failed)}
    gone = {99: NotFoundError("gone")}
    return CompaniesOutcome(9, [1], [2, 3], dict(wrong), gone, skipped)


@pytest.mark.parametrize(
    ("failed", "skipped", "said"),
    [
        (0, 5, None),
        (1, 0, "1 of 9 companies failed: CIK 0: no answer 0."),
        (1, 2, "1 of 9 companies failed; 2 not asked: CIK 0: no answer 0."),
        (3, 0, "3 of 9 companies failed: CIK 0: no answer 0; CIK 1: no answer 1; "
               "CIK 2: no answer 2."),
        (5, 1, "5 of 9 companies failed; 1 not asked: CIK 0: no answer 0; CIK 1: no answer 1; "
               "CIK 2: no answer 2; and 2 more."),
    ],
)  # fmt: skip
def test_the_sentence_names_three_and_counts_the_rest(
    failed: int, skipped: int, said: str | None
) -> None:
    """And says how many were not asked; the fate of all others is known."""
    found = outcome(failed, skipped)
    assert found.partial() == said
    assert found.over == 4 + failed
