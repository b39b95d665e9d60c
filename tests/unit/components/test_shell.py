"""The frame of a page: header, freshness strip, errors."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest
from rich.console import Console
from streamlit.testing.v1 import AppTest

from app.commands import data
from components.kit import badges, formats, shell
from components.parts import refresh
from core.errors import NotFoundError, OwnershipError
from core.service import current
from core.service.pulls import upstreams
from core.service.pulls.refresh import PullStatus

NOW = datetime(2026, 11, 20, 21, 5, tzinfo=UTC)


def status(name: str, freshness: str, hours: float | None = 1.0) -> SimpleNamespace:
    last = None if hours is None else NOW - timedelta(hours=hours)
    reached = {"rows": 5, "data_until": datetime(2026, 11, 18, tzinfo=UTC), "sessions_behind": 1}
    return SimpleNamespace(name=name, freshness=freshness, last_success=last, **reached)


@pytest.fixture
def plain_desk(make_desk, monkeypatch):
    desk = make_desk(simulated=True)
    monkeypatch.setattr(desk, "now", lambda: NOW)
    monkeypatch.setattr(
        shell, "statuses", lambda _: [status("a", "fresh"), status("b", "overdue", 30)]
    )
    return desk


def header() -> None:
    from components.kit import shell

    shell.page("Gap scan", purpose="Names that gap.", datasets=("a", "b"))


def test_header_tells_of_the_stalest_input(plain_desk):
    """A page says title, purpose, simulated label and the stalest of its datasets."""
    at = AppTest.from_function(header).run()
    assert not at.exception
    head, purpose, line = at.markdown[1].value.splitlines()
    assert head == "# Gap scan"
    assert purpose.strip() == ":small[:gray[Names that gap.]]"
    assert ":violet-badge[simulated data]" in line
    behind = "data to Wed 18 Nov, 1 session behind"
    assert f":orange-badge[overdue] b · {behind} · pulled 1 d 6 h ago" in line
    assert "as of **Thu 19 Nov 10:05 ET**" in line


def test_no_desk_is_said_and_nothing_else_runs(monkeypatch):
    """Without a desk the page shows the reason and stops."""

    def gone():
        raise OwnershipError("the data folder belongs to another process", hint="stop it first")

    monkeypatch.setattr(current, "desk", gone)
    at = AppTest.from_function(header).run()
    assert not at.exception
    assert "belongs to another process" in at.error[0].value
    assert "Stop it first" in at.error[0].value


def test_a_guarded_part_fails_alone(plain_desk):
    """An error in a guarded part is shown there and the page goes on."""

    def script():
        import streamlit as st

        from components.kit import shell
        from core.errors import NotFoundError

        with shell.guarded("the candidates"):
            raise NotFoundError("no session *2026*", where="bars_daily")
        st.write("still here")

    at = AppTest.from_function(script).run()
    assert "The candidates cannot be shown" in at.error[0].value
    assert r"No session \*2026\*" in at.error[0].value
    assert at.markdown[0].value == "still here"


def test_the_last_wall_hides_tracebacks_and_gives_a_number():
    """An unforeseen error shows a number for the log, never a traceback."""

    def script():
        from components.kit import shell

        with shell.error_boundary():
            raise RuntimeError("secret detail")

    at = AppTest.from_function(script).run()
    assert not at.exception
    assert "number" in at.error[0].value
    assert "secret" not in at.error[0].value


def test_errors_tell_where_and_what_to_do():
    """The error tree's fields reach the reader."""
    assert NotFoundError("x", where="h", hint="y").hint == "y"


@pytest.mark.parametrize(
    ("states", "expected"),
    [(["fresh", "failing", "due"], "failing"), (["fresh", "never"], "never"), (["fresh"], "fresh")],
)
def test_the_worst_status_wins(states, expected):
    """Problems come before anything else."""
    assert badges.worst([status("x", s) for s in states]).freshness == expected


def test_text_of_the_data_is_harmless_in_markdown():
    """Brackets, stars and dollars of a company name are escaped."""
    assert badges.badge("a]b$*") == r":gray-badge[a\]b\$\*]"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0.4 s"), (59, "59 s"), (61, "1 min"), (3700, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_durations_use_two_units(seconds, text):
    """Spans are told in at most two units."""
    assert formats.duration(seconds) == text


def test_numbers_are_written_one_way():
    """Money, percent, sizes and instants have one form each."""
    assert formats.money(-1234.5) == "−$1,234.50"
    assert formats.pct(-0.6, 2) == "−0.60 %"
    assert formats.signed_number(-1234.5) == "−1,234.50"
    assert formats.money(2, "EUR") == "2.00 EUR"
    assert formats.pct(5.0) == "+5.0 %"
    assert formats.size(57_600_000) == "57.6 MB"
    assert formats.compact(1_234_567) == "1.23 M"
    assert formats.when(NOW) == "Fri 20 Nov 16:05 ET"
    assert formats.utc(NOW) == "2026-11-20 21:05:00 UTC"
    assert formats.age(NOW - timedelta(days=2), NOW) == "2 d ago"
    assert formats.number(None) == "–"


def test_addresses_carry_the_view():
    """A page's URL holds its query, escaped."""
    assert shell.url("symbol", {"symbol": "BRK B"}) == "/symbol?symbol=BRK+B"


def test_a_host_that_is_down_is_the_reason_not_what_an_old_pull_said(plain_desk, monkeypatch):
    """The stored error names an hour to ask again that has passed; the outage is told as it is."""
    host = SimpleNamespace(
        label="container",
        blocked=False,
        since=NOW,
        asked_at=NOW + timedelta(minutes=9),
        datasets=("prices.daily",),
    )
    hosts = [host]
    monkeypatch.setattr(upstreams, "down", lambda _: hosts)
    said = "prices.daily: down, asked again at 20:00Z"
    failing = SimpleNamespace(
        name="prices.daily", last_error=said, fault=said[14:], failing_since=None, next_try=None
    )
    line = badges.plain("down since 16:05, asked again 16:14 ET")
    assert line in shell.reason(plain_desk, failing)
    hosts.clear()
    told = badges.plain("Down, asked again at 20:00Z")
    assert shell.reason(plain_desk, failing) == f"**{told}**"
    failing.last_error, failing.fault = None, ""
    assert shell.reason(plain_desk, failing) == ""


def test_a_dataset_is_named_once_in_front_of_its_error(capsys):
    """Errors open with the name of their dataset; lines that begin with it do not say it twice."""
    said = "universe: no answer"
    ended = PullStatus(job_id="1", dataset="universe", state="dead", error=said)
    assert refresh.outcome(ended) == "no answer"
    counts = dict.fromkeys(("read", "inserted", "updated", "unchanged", "rejected"), 0)
    row = {f"rows_{name}": count for name, count in counts.items()}
    pull = {"dataset": "universe", "state": "failed", "seconds": 1.0, "error": said, **row}
    data._print_pulls({"pulls": [pull]}, Console())
    assert capsys.readouterr().out.count("universe: ") == 1


def test_a_desk_opened_at_the_same_place_is_another(make_desk, tmp_path):
    """What was kept of a desk is not shown of one that is opened later on the same folder."""
    seen = []
    for company in (1001, 1002):
        with make_desk() as desk:
            with desk.warehouse.transaction() as tx:
                tx.insert("watchlist", pl.DataFrame({"cik": [company], "added_at": [NOW]}))
            kept = shell.cached_until_commit(desk, lambda own=company: own, "company")
            seen.append((shell.watched(desk), kept, shell.version(desk)))
        shutil.rmtree(tmp_path / "desk")
    assert [found[:2] for found in seen] == [([1001], 1001), ([1002], 1002)]
    assert seen[0][2] != seen[1][2]
