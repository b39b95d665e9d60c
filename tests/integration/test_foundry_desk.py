"""Foundry on a whole desk: partial stays partial, a refused query is no outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.service.desk import Desk
from core.service.kernel.commands import run
from core.service.pulls import datasets as views
from core.service.sources import foundry_host
from core.sources.foundry import counts
from tests.upstreams import Running

HEAD = b"date,open,high,low,close,volume,Name\n"
BARS = HEAD + b"".join(b"2024-01-02,10,11,9,10.5,1000,S%d\n" % n for n in range(100))
MISSING = "the container announced 100 rows but the file has 79: 21 missing"
OFFLINE = "http://127.0.0.1:1/fdtc-api"


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """A container whose first version lacks rows."""
    with Running({"Prices Daily": BARS}) as running:
        running.served.faults = {"rows-lost"}
        yield running


def opened(make_desk: Callable[..., Desk], upstreams: Running, **more: Any) -> Desk:
    """A desk on the stand-ins with a running engine, without a scheduler."""
    desk = make_desk(**{**upstreams.settings(), **more})
    desk.start(scheduler=False)
    return desk


def pull(desk: Desk, **how: Any) -> tuple[int, dict[str, Any]]:
    """Exit code and result of one pull."""
    done = run(desk, "pull", {"datasets": ["prices.daily"], **how})
    return done.exit_code, done.document["pulls"][0]


def status(desk: Desk) -> views.DatasetStatus:
    """The line of the dataset."""
    return next(item for item in views.overview(desk) if item.name == "prices.daily")


def since_the_morning() -> dict[str, datetime]:
    """A window in which the stored version lies."""
    now = datetime.now(UTC)
    return {"start": now - timedelta(hours=6), "end": now}


def test_lost_rows_stay_known_through_later_pulls_failures_and_a_restart(
    make_desk: Callable[..., Desk], upstreams: Running
) -> None:
    """The version comes again without its count; the desk knows it by its sha256."""
    desk = opened(make_desk, upstreams)
    code, first = pull(desk, now=True)
    assert (code, first["state"], first["partial_reason"]) == (3, "partial", MISSING)
    code, again = pull(desk, **since_the_morning())
    assert (code, again["state"], again["partial_reason"]) == (3, "partial", MISSING)
    assert (again["version"], again["announced_rows"]) == (first["version"], 100)
    desk.close()
    desk = opened(make_desk, upstreams)
    assert pull(desk, **since_the_morning())[1]["state"] == "partial"
    assert upstreams.served.queries == 1
    upstreams.served.faults = {"ws-401"}
    assert pull(desk, now=True)[0] == 1
    assert status(desk).partial_reason == MISSING
    (line,) = [
        item
        for item in run(desk, "status", {}).document["datasets"]
        if item["name"] == "prices.daily"
    ]
    assert line["partial_reason"] == MISSING
    upstreams.served.faults = set()
    assert pull(desk, now=True)[0] == 0
    assert status(desk).partial_reason is None


def test_a_second_desk_knows_it_by_the_shared_counts(
    make_desk: Callable[..., Desk], upstreams: Running, tmp_path: Path
) -> None:
    """Without the folder it says at least that nobody here has counted."""
    shared = tmp_path / "counts"
    for number, folder in enumerate((shared, shared, None)):
        desk = opened(
            make_desk,
            upstreams,
            data_dir=tmp_path / f"desk{number}",
            foundry_counts=folder,
        )
        code, pulled = pull(desk, **since_the_morning())
        desk.close()
        if folder:
            assert (code, pulled["partial_reason"]) == (3, MISSING), number
        else:
            assert code == 0
            assert "announced no row count" in pulled["message"]
    assert upstreams.served.queries == 1


def test_counts_are_kept_by_sha256_and_nothing_else(tmp_path: Path) -> None:
    """Damage, other names and a folder that cannot be made stop no pull."""
    sha = "ab" * 32
    counts.share(tmp_path / "new", sha, 7)
    assert counts.shared(tmp_path / "new", sha) == 7
    assert [file.name for file in (tmp_path / "new").iterdir()] == [f"{sha}.rows"]
    counts.share(tmp_path, "../escaped", 7)
    assert counts.shared(tmp_path, "../escaped") is None
    for damage in (b"", b"-1", b"7e3", b"\xff", b"9" * 40):
        (tmp_path / f"{sha}.rows").write_bytes(damage)
        assert counts.shared(tmp_path, sha) is None
    (tmp_path / "file").write_bytes(b"")
    counts.share(tmp_path / "file" / "below", sha, 7)
    assert counts.shared(tmp_path / "file" / "below", sha) is None
    assert counts.shared(None, sha) is None


def test_the_doctor_asks_the_container(
    make_desk: Callable[..., Desk], upstreams: Running, tmp_path: Path
) -> None:
    """Online is said with its address; what does not answer is an error found, with its reason."""
    for folder, url, ok in (("a", upstreams.served.url, True), ("b", OFFLINE, False)):
        desk = make_desk(
            **{**upstreams.settings(), "data_dir": tmp_path / folder, "foundry_url": url}
        )
        checks = run(desk, "doctor", {}).document["checks"]
        (asked,) = [check for check in checks if check["check"] == "Foundry container"]
        assert asked["ok"] is ok
        assert url.partition("//")[2].partition("/")[0] in asked["message"]
        desk.close()


def test_a_refused_query_of_one_dataset_is_no_outage_of_the_container(
    make_desk: Callable[..., Desk], upstreams: Running
) -> None:
    """However often it is refused, the other datasets of the host are still asked for."""
    desk = opened(make_desk, upstreams, retries=5)
    upstreams.served.faults = {"query-failed"}
    for number in range(1, 7):
        assert "QUOTA" in pull(desk, now=True)[1]["error"]
        assert upstreams.served.queries == number
    breaker = desk.upstreams.breaker(foundry_host(desk.settings))
    assert (breaker.state, breaker.failures) == ("closed", 0)
