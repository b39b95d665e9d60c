"""One calm line of what is wrong with a dataset."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from components.kit import badges, trouble
from core.service.pulls.datasets import DatasetStatus

STATUS = DatasetStatus(
    name="prices.daily", source="foundry", table="bars_daily", description="", enabled=True,
    rows=1, freshness="failing", last_success=None, next_due=None, last_state="failed",
    last_error=None, last_pull_id="p", partial_reason=None, rows_rejected=0, bytes=0,
    running_job=None, simulated=False,
)  # fmt: skip
SINCE = datetime(2026, 11, 30, 14, 10, tzinfo=UTC)
NEXT = datetime(2026, 11, 30, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("prices.daily: connection refused [127.0.0.1:9/q]. Start it.", "connection refused"),
        ("prices.daily: the server failed (503) [h/p].", "the server failed (503)"),
        ("prices.daily: an HTML page came. A proxy may want a login.", "an HTML page came"),
        ("prices.daily: TLS failed: certificate verify failed", "TLS failed"),
        (
            "prices.daily: SEC down since 1:00Z; it is asked again at 1:09Z [h].",
            "SEC down since 1:00Z",
        ),
        (None, ""),
    ],
)
def test_what_comes_first(error: str | None, said: str) -> None:
    """Neither its name again, nor addresses, nor what a library adds."""
    assert replace(STATUS, last_error=error).fault == said


def test_the_line_says_since_when_and_the_next_try() -> None:
    """In the reader's zone; nothing without a fault."""
    told = replace(STATUS, last_error="prices.daily: x", failing_since=SINCE, next_try=NEXT)
    assert trouble.line(told, "America/New_York") == (
        "**X** · since Mon 30 Nov 09:10 ET · next try Mon 30 Nov 09:15 ET"
    )
    assert trouble.line(STATUS, "America/New_York") == ""


def test_several_faults_are_one_badge_and_a_line_each() -> None:
    """One is told whole; of several the badge says what, the lines behind it since when."""
    one = trouble.Trouble("read-only", "for 12 s")
    two = trouble.Trouble("container down", "since 09:10, asked again 09:15 ET")
    assert trouble.together([]) == []
    assert trouble.together([two]) == [badges.badge(two.whole, "red")]
    assert trouble.whole([two]) == []
    assert trouble.together([one, two]) == [badges.badge("read-only · container down", "red")]
    assert trouble.whole([one, two]) == [
        "Read-only for 12 s.",
        badges.plain("Container down since 09:10, asked again 09:15 ET."),
    ]
