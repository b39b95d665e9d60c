"""What must be known before anything else: each kind in a sentence, gravest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import Catalogue
from core.domain import breaker as rules
from core.errors import OpenbellError
from core.service.brief import problems
from core.service.desk import Desk
from core.service.pulls.datasets import DatasetStatus
from core.sources import upstreams

NOW = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
LEASE = timedelta(minutes=5)
FRESH = DatasetStatus(
    name="prices.daily", source="foundry", table="bars_daily", description="", enabled=True, rows=9,
    freshness="fresh", last_success=NOW, next_due=None, last_state="done", last_error=None,
    last_pull_id=None, partial_reason=None, rows_rejected=0, bytes=0, running_job=None,
    simulated=False,
)  # fmt: skip


def told(desk: Desk, *statuses: DatasetStatus, checks: Any = ()) -> list[tuple[str, str, str]]:
    found = problems.found(desk, statuses, checks, NOW - timedelta(days=1))
    return [(item["severity"], item["subject"], item["message"]) for item in found]


def test_there_are_none_where_all_is_well(desk: Desk) -> None:
    """A fresh dataset, and one that is switched off whatever it lacks."""
    off = replace(FRESH, enabled=False, freshness="failing", partial_reason="half")
    assert told(desk, FRESH, off) == []


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({"freshness": "overdue", "sessions_behind": 1}, "overdue; 1 session is missing"),
        ({"freshness": "overdue", "sessions_behind": 3}, "overdue; 3 sessions are missing"),
        ({"freshness": "overdue", "sessions_behind": None}, "overdue; not in yet"),
        ({"freshness": "overdue", "sessions_behind": 0}, "overdue; not in yet"),
        ({"freshness": "failing", "last_error": "prices.daily: 503."}, "failing; 503"),
        ({"partial_reason": "2 of 9 companies failed"}, "2 of 9 companies failed"),
        ({"freshness": "failing", "last_error": "503", "partial_reason": "half"}, "failing; 503"),
    ],
)
def test_a_dataset_says_what_is_missing(desk: Desk, status: dict[str, Any], message: str) -> None:
    """The error of its last pull before what it lacks; once each."""
    assert told(desk, replace(FRESH, **status)) == [("warning", "prices.daily", message)]


@pytest.mark.parametrize(("count", "words"), [(1, "1 job was"), (2, "2 jobs were")])
def test_jobs_that_were_given_up_are_counted(desk: Desk, count: int, words: str) -> None:
    """Those that wait or run are none."""
    for n in range(count + 1):
        desk.queue.publish("pull", {"n": n})
    for _ in range(count):
        job = desk.queue.claim("w", LEASE)
        assert job is not None
        desk.queue.bury(job, "no such dataset")
    assert told(desk) == [("error", "jobs", f"{words} given up; see Jobs")]


def down(desk: Desk, blocked: bool) -> str:
    """Take the first host down at the desk's instant; what people call it."""
    (host, *_), now = desk.upstreams.hosts, desk.now()

    def change(known: rules.Breaker) -> rules.Breaker:
        if blocked:
            return rules.blocked(known, now, now + LEASE, "403")
        for _ in range(rules.FAILURES):
            known = rules.failed(known, now, "503")
        return known

    desk.upstreams._kept.change(host.name, change)  # as another process does
    return host.label


@pytest.mark.parametrize(
    ("blocked", "words"), [(True, "has blocked the desk{}: 403"), (False, "does not answer{}: 503")]
)
def test_a_host_that_is_down_is_told(desk: Desk, blocked: bool, words: str) -> None:
    """Whether it is away or wants to be left alone makes a difference to who reads it; so does
    since when.
    """
    label = down(desk, blocked)
    since = f" since {desk.now():%Y-%m-%d %H:%M}Z"
    assert told(desk) == [("error", label, words.format(since))]


def refusal(desk: Desk) -> OpenbellError:
    """What a pull of the first host fails of while it is down."""
    host = desk.upstreams.hosts[0]
    return upstreams.down(host, desk.upstreams.breaker(host), desk.now())


def test_a_host_that_is_down_answers_for_its_own_faults_alone(desk: Desk) -> None:
    """A dataset that failed before the outage, of something else, keeps its line and its fault."""
    label, now = down(desk, blocked=False), desk.now()
    early, late = now - timedelta(hours=2), now + timedelta(seconds=1)
    failing = replace(FRESH, freshness="failing", last_error="prices.daily: 503.")
    cases = [
        (replace(FRESH, freshness="overdue"), True),
        (replace(failing, failing_since=late), True),
        (replace(failing, failing_since=early), True),  # its pull met the outage first
        (replace(failing, failing_since=early, last_error="a column is missing"), False),
        (replace(failing, failing_since=early, last_error=str(refusal(desk))), True),
    ]
    for status, is_of_host in cases:
        lines = told(desk, status)
        lacks = "; not in for it: prices.daily" if is_of_host else ""
        words = f"does not answer since {now:%Y-%m-%d %H:%M}Z: 503{lacks}"
        own = [] if is_of_host else [("warning", "prices.daily", "failing; a column is missing")]
        assert lines == [("error", label, words), *own]


def test_an_entry_of_the_catalogue_that_cannot_be_used_is_told(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """With its file and line: nothing of it is pulled."""
    path = tmp_path / "own.toml"
    path.write_text("[datasets.odd]\nsource = 'ftp'\n")
    desk = make_desk(catalogue=path)
    ((severity, subject, message),) = told(desk)
    assert (severity, subject) == ("error", "catalogue")
    assert "line 2, dataset 'odd'" in message
    assert Catalogue.load(path).problems[0].message == message


@pytest.mark.parametrize(
    ("used", "allowed", "severity"),
    [
        (79.9, 100.0, None),
        (80.0, 100.0, "warning"),
        (100.0, 100.0, "warning"),
        (100.1, 100.0, "error"),
        (5.0, 0.0, None),
    ],
)
def test_a_limit_that_is_nearly_used_is_told(
    desk: Desk, used: float, allowed: float, severity: str | None
) -> None:
    """From four fifths on; one exceeded is graver, one that allows nothing is switched off."""
    checks = [{"used": used, "allowed": allowed, "sentence": "Daily loss."}]
    wanted = [(severity, "risk", "Daily loss.")] if severity else []
    assert told(desk, checks=checks) == wanted


def test_the_gravest_comes_first(desk: Desk) -> None:
    """A warning of a dataset that no host holds back stands below an error of a host."""
    down(desk, blocked=False)
    late = replace(FRESH, name="own.prices", freshness="overdue")
    assert [row[0] for row in told(desk, late)] == ["error", "warning"]
