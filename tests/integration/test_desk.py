"""The desk on stand-in upstreams over real sockets: pulls, lineage, failures, follow-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from core.errors import NotFoundError, UsageError
from core.service.desk import Desk
from core.service.filings import companies
from core.service.pulls import datasets, refresh
from tests.upstreams import CIK, DAILY, Running, facts


@pytest.fixture
def upstreams() -> Iterator[Running]:
    """Stand-ins that serve a few small documents."""
    with Running() as running:
        yield running


@pytest.fixture
def live(make_desk: Callable[..., Desk], upstreams: Running) -> Desk:
    """A desk on the stand-ins whose worker runs, without a scheduler."""
    desk = make_desk(**upstreams.settings())
    desk.start(scheduler=False)
    return desk


def pull(desk: Desk, *names: str, force: bool = False) -> list[dict[str, object]]:
    tickets = refresh.refresh_now(desk, names, force=force)
    done = refresh.wait(desk, tickets, timeout_seconds=30)
    return [item.result or {"state": item.state, "error": item.error} for item in done]


def test_a_pull_is_stored_with_its_lineage(live: Desk) -> None:
    """Every bar is there with the pull that brought it; the record counts them."""
    (done,) = pull(live, "prices.daily")
    assert (done["state"], done["rows_inserted"], done["rows_rejected"]) == ("done", 3, 0)
    rows = live.warehouse.read("SELECT DISTINCT pull_id FROM bars_daily")
    assert rows["pull_id"].to_list() == [done["pull_id"]]
    events = datasets.pull_events(live, str(done["pull_id"]))
    assert any("rows" in message for message in events["message"])


def test_the_same_bytes_again_change_nothing(live: Desk) -> None:
    """A second pull says unchanged and writes no row."""
    pull(live, "prices.daily")
    (again,) = pull(live, "prices.daily", force=True)
    assert (again["state"], again["rows_inserted"], again["rows_updated"]) == ("unchanged", 0, 0)


def test_corrected_rows_keep_their_history(live: Desk, upstreams: Running) -> None:
    """A corrected bar is updated and the old one is kept."""
    pull(live, "prices.daily")
    upstreams.datasets["Prices Daily"] = DAILY.replace(b"11,1500", b"11.25,1500")
    (done,) = pull(live, "prices.daily", force=True)
    assert (done["rows_updated"], done["rows_unchanged"]) == (1, 2)
    assert live.warehouse.read("SELECT count(*) FROM row_history").item() == 1


def test_bad_rows_are_kept_aside_with_their_reason(live: Desk, upstreams: Running) -> None:
    """One unreadable row does not stop the others."""
    upstreams.datasets["Prices Daily"] = DAILY + b"2024-01-04,x,1,1,1,1,AAA\n"
    (done,) = pull(live, "prices.daily")
    assert (done["rows_inserted"], done["rows_rejected"]) == (3, 1)
    (row,) = datasets.rejected_rows(live, "prices.daily").iter_rows(named=True)
    assert (row["row_number"], row["column_name"]) == (4, "open")


def test_a_failing_dataset_leaves_the_others_and_the_last_good_data(
    live: Desk, upstreams: Running
) -> None:
    """The error names host, path and dataset; what was there stays; the SEC is pulled as well."""
    pull(live, "prices.daily")
    upstreams.served.faults = {"sha-mismatch"}
    upstreams.datasets["Prices Daily"] = DAILY + b"2024-01-05,1,1,1,1,1,AAA\n"
    companies.watch(live, [str(CIK)])
    failed, facts_pulled = pull(live, "prices.daily", "sec.facts", force=True)
    assert failed["state"] == "failed"
    for part in ("127.0.0.1", "/dataset/download/csv/", "prices.daily"):
        assert part in str(failed["error"])
    assert live.warehouse.read("SELECT count(*) FROM bars_daily").item() == 3
    assert facts_pulled["state"] == "done"
    statuses = {item.name: item for item in datasets.overview(live)}
    assert statuses["prices.daily"].freshness in {"due", "overdue"}  # to 2024
    assert statuses["prices.daily"].last_error == failed["error"]


def test_volumes_have_a_usual_range(live: Desk, upstreams: Running) -> None:
    """From the fourth pull that brings rows on, the range of those before is known."""
    for day in range(4, 9):
        more = f"2024-01-{day:02},1,1,1,1,1,AAA\n".encode()
        upstreams.datasets["Prices Daily"] += more
        pull(live, "prices.daily", force=True)
    found = datasets.volumes(live, "prices.daily")
    assert found["rows_read"].to_list() == [4, 5, 6, 7, 8]
    assert found["low"].is_null().to_list() == [True, True, True, False, False]
    assert found.row(4, named=True)["high"] == pytest.approx(6.7)


def test_two_presses_are_one_pull(make_desk: Callable[..., Desk], upstreams: Running) -> None:
    """The second press joins the first; both see the same job."""
    desk = make_desk(**upstreams.settings())
    (first,) = refresh.refresh_now(desk, ["prices.daily"])
    (second,) = refresh.refresh_now(desk, ["prices.daily"])
    assert (second.job_id, second.joined) == (first.job_id, True)
    desk.start(scheduler=False)
    refresh.wait(desk, [first, second], timeout_seconds=30)
    assert desk.warehouse.read("SELECT count(*) FROM pulls").item() == 1


def test_a_cancelled_pull_stores_nothing(live: Desk, upstreams: Running) -> None:
    """Calling off a pull that hangs ends it soon, as cancelled."""
    upstreams.served.faults = {"endless-keepalive"}
    (ticket,) = refresh.refresh_now(live, ["prices.daily"])
    refresh.cancel(live, ticket.job_id)
    (done,) = refresh.wait(live, [ticket], timeout_seconds=20)
    assert done.state == "cancelled"
    assert live.warehouse.read("SELECT count(*) FROM bars_daily").item() == 0


def test_watching_by_ticker_pulls_the_map_first(live: Desk) -> None:
    """On an empty store a ticker is looked up at the SEC."""
    assert companies.watch(live, ["made"]) == [CIK]
    assert companies.watch_list(live).row(0, named=True)["symbol"] == "MADE"
    with pytest.raises(NotFoundError, match="MADD"):
        companies.watch(live, ["MADD"])


def test_facts_are_known_as_on_a_day(live: Desk, upstreams: Running) -> None:
    """A changed fact keeps its older value, a removed one is marked; the past can be asked for."""
    companies.watch(live, [str(CIK)])
    pull(live, "sec.facts", "sec.submissions")
    upstreams.documents.bodies[f"/api/xbrl/companyfacts/CIK{CIK:010}.json"] = facts(
        200, with_cash=False
    )
    (done,) = pull(live, "sec.facts")
    assert done["state"] == "done"
    now = companies.facts(live, CIK)
    assert dict(now.select("concept", "value").iter_rows()) == {"Assets": 200.0}
    before = companies.facts(live, CIK, as_known_on=date(2024, 3, 1))
    assert dict(before.select("concept", "value").iter_rows()) == {"Assets": 100.0, "Cash": 7.0}
    assert companies.facts(live, CIK, as_known_on=date(2024, 1, 1)).is_empty()
    filings = companies.filings(live, CIK)
    assert filings["form"].to_list() == ["8-K", "10-K"]
    assert filings["url"][0].startswith("https://www.sec.gov/Archives/edgar/data/9900001/")


def test_without_a_contact_the_sec_is_not_asked(
    make_desk: Callable[..., Desk], upstreams: Running
) -> None:
    """The refusal says how to set the contact."""
    desk = make_desk(**upstreams.settings() | {"sec_user_agent": ""})
    desk.start(scheduler=False)
    (done,) = pull(desk, "sec.companies")
    assert done["state"] == "failed"
    assert "OPENBELL_SEC_USER_AGENT" in str(done["error"])
    assert not upstreams.served.sec.requests


def test_file_datasets_cannot_be_pulled(desk: Desk) -> None:
    """The error says how to load a file instead."""
    import dataclasses

    entry = dataclasses.replace(desk.catalogue.get("prices.daily"), name="mine", source="file")
    desk.catalogue = dataclasses.replace(
        desk.catalogue, datasets={**desk.catalogue.datasets, "mine": entry}
    )
    with pytest.raises(UsageError, match="import mine FILE"):
        refresh.refresh_now(desk, ["mine"])


@pytest.mark.thorough
def test_the_scheduler_pulls_what_was_never_pulled(
    make_desk: Callable[..., Desk], upstreams: Running
) -> None:
    """A fresh desk catches up by itself, and a second start finds nothing due."""
    desk = make_desk(**upstreams.settings())
    desk.start(scheduler=True)
    deadline = desk.now() + timedelta(seconds=30)
    while desk.now() < deadline:
        if desk.freshness_of_all()["prices.daily"].state == "fresh":
            break
    assert (
        desk.warehouse.read(
            "SELECT count(*) FROM pulls WHERE dataset = 'prices.daily' AND state = 'done'"
        ).item()
        == 1
    )
