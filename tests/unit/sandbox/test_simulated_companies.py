"""The simulated SEC: filings that add up, timed around the gaps, in the SEC's own shapes."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import orjson
import polars as pl
import pytest

from core.sandbox.companies.facts import facts
from core.sandbox.companies.faults import FACT_FAULTS, faulty_facts
from core.sandbox.companies.filings import filings
from core.sandbox.companies.filings_provider import SimulatedFilings
from core.sandbox.companies.model import FAULTY, PAST, books, profiles
from core.sandbox.market.frames import market
from core.sandbox.market.names import COVERED, SLOTS, listings
from core.sandbox.planted import BAR_FAULTS, planted

SEED, AS_OF = 7, date(2026, 3, 11)


@pytest.fixture(scope="module")
def served() -> SimulatedFilings:
    return SimulatedFilings(SEED, AS_OF)


def slot_of(role: str) -> int:
    return next(p.slot for p in profiles(SEED) if role in p.roles)


def test_the_books_balance_to_the_unit() -> None:
    """Assets equal liabilities and equity, and cash moves by the cash flow, in every quarter."""
    b = books(SEED)
    s, f = b.stocks, b.flows
    assert (s["assets"] == s["balance"]).all()
    assert (s["cash"][1:] - s["cash"][:-1] == f["cash_change"][1:]).all()
    assert (f["cfo"] + f["cfi"] + f["cff"] + f["fx"] == f["cash_change"]).all()
    assert (f["gp"] - f["opex"] + f["nonop"] - f["tax"] == f["ni"]).all()
    assert (s["cash"][PAST:] > 0).all()


def test_there_is_every_kind_of_filer() -> None:
    """Banks, an insurer, REITs, a 20-F filer, a year-changer, a late one, one that restates."""
    styles = {p.style for p in profiles(SEED)}
    assert styles == {"industrial", "bank", "insurer", "reit"}
    forms = filings(SEED, AS_OF)
    own = {role: set(forms.filter(pl.col("slot") == slot_of(role))["form"]) for role in
           ("ifrs", "changer", "late", "restater")}  # fmt: skip
    assert "20-F" in own["ifrs"]
    assert "10-Q" not in own["ifrs"]
    assert "10-KT" in own["changer"]
    assert "NT 10-K" in own["late"]
    assert "10-K/A" in own["restater"]
    assert {p.year_end for p in profiles(SEED)} >= {0, 2}


def test_a_withdrawn_year_has_its_notice_before_its_amendment() -> None:
    """Item 4.02 comes three weeks before every other 10-K/A; no other filer of XBRL gives one."""
    rows = filings(SEED, AS_OF).filter(pl.col("slot") <= COVERED)
    notices = rows.filter(pl.col("items").str.contains("4.02"))
    assert set(notices["slot"]) == {slot_of("restater")}
    amended = rows.filter(pl.col("form") == "10-K/A")
    days = [
        min(abs((a - n).days) for a in amended["filed"]) for n in notices["filed"] if n.year < 2026
    ]
    assert days
    assert all(14 <= gap <= 28 for gap in days)
    assert amended["report_date"].is_duplicated().any()  # a second one of the same year


def test_the_recaster_tells_earlier_revenue_anew() -> None:
    """Net of what it passes on, with gross profit as it was."""
    rows = pl.DataFrame(facts(SEED, AS_OF, slot_of("recaster")))
    told = rows.group_by("concept", "start", "end").agg(pl.col("val").n_unique().alias("values"))
    by = told.filter(pl.col("values") > 1)["concept"].unique().to_list()
    assert any("Revenue" in name for name in by)
    assert "GrossProfit" not in by
    assert "NetIncomeLoss" not in by


def test_accessions_never_change_when_time_goes_on() -> None:
    """A later day adds filings and leaves the older ones as they were."""
    now, later = filings(SEED, AS_OF), filings(SEED, date(2026, 3, 25))
    settled = now.filter(pl.col("filed") < AS_OF)
    joined = settled.join(later, on=["cik", "accession"], how="left", suffix="_later")
    same = pl.col("accepted") == pl.col("accepted_later")
    assert joined.select((same & (pl.col("form") == pl.col("form_later"))).all()).item()
    assert later.height > now.height


def test_results_are_accepted_before_the_gap_they_explain() -> None:
    """Each 8-K of results lies between the prior close and the open of its gap session."""
    m = market(SEED, AS_OF).model
    mine = (m.news.kind == "2.02") & (m.news.slot == 1)
    opens = pl.DataFrame({"day": m.cal.sessions[m.news.gap_row[mine]]}).select(
        (pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=9, minutes=30))
        .dt.replace_time_zone("America/New_York")
        .dt.convert_time_zone("UTC")
    )["day"]
    rows = filings(SEED, AS_OF).filter((pl.col("slot") == 1) & pl.col("items").str.contains("2.02"))
    early = opens - rows["accepted"]
    assert rows.height > 15
    assert early.min().total_seconds() > 0
    assert early.max().total_seconds() < 4 * 86_400


def test_quarters_add_up_to_the_year_across_filings() -> None:
    """Three quarters and the fourth derived from the 10-K make the year that the 10-K states."""
    rows = facts(SEED, AS_OF, slot_of("nci"))
    revenue = rows.filter(
        (pl.col("concept") == "RevenueFromContractWithCustomerExcludingAssessedTax") & pl.col("own")
    )
    year = revenue.filter((pl.col("fp") == "FY") & (pl.col("fy") == 2024))
    nine = revenue.filter((pl.col("fp") == "Q3") & (pl.col("fy") == 2024)).sort("start")
    parts = revenue.filter(
        (pl.col("fy") == 2024) & (pl.col("end") - pl.col("start") < pl.duration(days=100))
    )
    assert year.height == 1
    assert parts.height == 3
    assert nine["val"][0] == parts["val"].sum()
    assert year["val"][0] > nine["val"][0]


def test_splits_restate_shares_and_earnings_per_share() -> None:
    """After a split the comparatives of later filings are on the new basis."""
    world = market(SEED, AS_OF)
    rows, slots = (world.model.split[400:-100, 1 : COVERED + 1] != 1.0).nonzero()
    assert len(slots), "no covered company splits; choose another seed"
    slot, ratio = int(slots[0]) + 1, float(world.model.split[rows[0] + 400, slots[0] + 1])
    weighted = facts(SEED, AS_OF, slot).filter(
        pl.col("concept").str.contains("WeightedAverageNumberOfSharesOutstandingBasic")
    )
    spans = weighted.group_by("start", "end").agg(
        (pl.col("val").max() / pl.col("val").min()).alias("restated")
    )
    assert (spans["restated"] - max(ratio, 1 / ratio)).abs().min() < 0.01


def test_documents_have_the_shapes_of_the_sec(served: SimulatedFilings) -> None:
    """Facts, submissions with an overflow page, ticker maps; nothing for strangers."""
    cik = served.companies()[5]
    document = served.document(f"/api/xbrl/companyfacts/CIK{cik:010d}.json")
    assert document is not None
    book = orjson.loads(document.body)
    assert book["cik"] == cik
    assets = book["facts"]["us-gaap"]["Assets"]["units"]["USD"]
    assert list(assets[-1]) == ["end", "val", "accn", "fy", "fp", "form", "filed", "frame"]
    frames = [row["frame"] for row in assets if "frame" in row]
    assert len(frames) == len(set(frames))
    head = served.document(f"/submissions/CIK{cik:010d}.json")
    assert head is not None
    company = orjson.loads(head.body)
    lengths = {len(column) for column in company["filings"]["recent"].values()}
    assert len(lengths) == 1
    page = served.document("/submissions/" + company["filings"]["files"][0]["name"])
    assert page is not None
    count = company["filings"]["files"][0]["filingCount"]
    assert len(orjson.loads(page.body)["form"]) == count
    assert served.document("/submissions/CIK0000320193.json") is None
    assert served.document(f"/submissions/CIK{cik:010d}.json") is head


def test_every_listed_company_has_submissions(served: SimulatedFilings) -> None:
    """The ticker map names companies whose submissions are there."""
    document = served.document("/files/company_tickers_exchange.json")
    assert document is not None
    table = orjson.loads(document.body)
    assert table["fields"] == ["cik", "name", "ticker", "exchange"]
    assert 500 < len(table["data"]) < SLOTS
    for cik, *_ in (table["data"][0], table["data"][-1]):
        assert served.document(f"/submissions/CIK{cik:010d}.json") is not None


def test_the_feed_and_the_daily_index_name_the_same_filings(served: SimulatedFilings) -> None:
    """A filing of a day is in its index, and the newest ones are in the feed."""
    newest = filings(SEED, AS_OF).sort("accepted")["accession"][-1]
    page = served.document("/cgi-bin/browse-edgar", {"action": "getcurrent", "count": "100"})
    assert page is not None
    assert newest.encode() in page.body
    assert page.body.count(b"<entry>") == 100
    index = served.document("/Archives/edgar/daily-index/2026/QTR1/master.20260304.idx")
    assert index is not None
    day = filings(SEED, AS_OF).filter(pl.col("filed") == date(2026, 3, 4))
    assert index.body.count(b"edgar/data/") == day.height
    assert served.document("/Archives/edgar/daily-index/2026/QTR1/form.20260301.idx") is None


def test_planted_faults_cover_every_class() -> None:
    """The list names each class of fault, and no fault is without a place."""
    table = planted(SEED, AS_OF)
    assert set(table["kind"]) == {*BAR_FAULTS, "missing_split", *FAULTY}
    bars = table.filter(pl.col("area") == "bars")
    assert bars.height == len(BAR_FAULTS)
    assert bars.select(pl.col("symbol", "session").null_count()).row(0) == (0, 0)
    assert table.filter(pl.col("area") == "facts")["accession"].null_count() == 0


def test_planted_bars_stay_for_the_month() -> None:
    """The faults of the bars are the same all through a month."""
    bars, later = (
        planted(SEED, day).filter(pl.col("area").is_in(["bars", "actions"]))
        for day in (AS_OF, date(2026, 3, 25))
    )
    assert bars.equals(later)


@pytest.mark.parametrize("kind", [k for k in FACT_FAULTS if k != "operand_dropped"])
def test_a_planted_fact_differs_from_the_truth(kind: str) -> None:
    """The served facts differ from the true ones, in the filings listed and in no other."""
    slot = slot_of(kind)
    clean, served = facts(SEED, AS_OF, slot), faulty_facts(SEED, AS_OF, slot)
    listed = set(planted(SEED, AS_OF).filter(pl.col("kind") == kind)["accession"])
    differing = {
        name
        for (name,), group in served.group_by("accession")
        if not group.equals(clean.filter(pl.col("accession") == name))
    }
    assert differing == listed


def test_late_results_come_one_minute_after_the_open() -> None:
    """The planted 8-Ks are accepted at 09:31 in New York, so they explain no gap."""
    names = planted(SEED, AS_OF).filter(pl.col("kind") == "accepted_after_open")["accession"]
    rows = filings(SEED, AS_OF).filter(pl.col("accession").is_in(names.to_list()))
    clocks = rows["accepted"].dt.convert_time_zone("America/New_York").dt.time().unique()
    assert clocks.to_list() == [time(9, 31)]
    assert listings()[slot_of("accepted_after_open")].cik in rows["cik"]


def test_every_planted_kind_is_documented() -> None:
    """docs/simulated.md names each kind of planted fault."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "simulated.md").read_text()
    missing = [k for k in (*BAR_FAULTS, "missing_split", *FAULTY) if f"`{k}`" not in text]
    assert missing == []
