"""Tickers that pass to another company, and companies with several classes of shares."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from core.domain.gaps import catalysts
from core.domain.gaps import flags as gap_flags
from core.domain.tables.frames import COMPANY_IDENTIFIERS, UNIVERSE
from core.errors import NotFoundError
from core.service.desk import Desk
from core.service.filings import companies
from core.service.gaps import market_view
from core.service.gaps.evidence import registry
from core.sources.sec.submissions import decode_submissions, decode_tickers
from core.store.documents import StoredDocument, remember
from core.store.filings import add_companies, write_companies, write_identifiers
from core.store.tickers import follow_moves

FIRST, LATER = date(2026, 6, 1), date(2026, 7, 2)
Rows = list[tuple[int, str]]


def _map(desk: Desk, on: date, rows: Rows, names: dict[int, str] | None = None) -> list[str]:
    """What a pull of the ticker map does."""
    cells = {"exchange": None, "valid_from": None, "valid_to": None, "source": "sec"}
    frame = pl.DataFrame(
        [{"cik": cik, "kind": "ticker", "value": value} | cells for cik, value in rows],
        schema=dict(COMPANY_IDENTIFIERS.columns),
    )
    known = [(cik, (names or {}).get(cik, f"Company {cik}")) for cik in {cik for cik, _ in rows}]
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    seen = StoredDocument("x/files/company_tickers.json", "sec.companies", None, None, "h", 1)
    with desk.warehouse.transaction() as tx:
        add_companies(
            tx, pl.DataFrame(known, schema={"cik": pl.Int64, "name": pl.String}, orient="row"), "p"
        )
        write_identifiers(tx, frame, "p", on, whole_market=True)
        told = follow_moves(tx, on, at)
        remember(tx, [seen], "p", at)
    return told


NO_FILINGS = b',"filings":{"recent":{"accessionNumber":[]}}}'


def _submissions(desk: Desk, on: date, body: bytes) -> None:
    """What a pull of a company's submissions does to names."""
    said = decode_submissions(body[:-1] + NO_FILINGS)
    with desk.warehouse.transaction() as tx:
        write_companies(tx, said.company, "s")
        write_identifiers(tx, said.identifiers, "s", on)


def _shown(desk: Desk) -> list[tuple[int, str | None]]:
    return companies.watch_list(desk).select("cik", "symbol").rows()


def test_a_ticker_passes_to_a_new_company(desk: Desk) -> None:
    """From the day of the change; the watch list follows, and names who had it before."""
    names = {1: "Old Oil Corp", 2: "New Oil Holdings Corp"}
    _map(desk, FIRST, [(1, "XOI"), (3, "ABC")], names)
    companies.watch(desk, ["XOI", "3"])
    told = _map(desk, LATER, [(2, "XOI"), (3, "ABC")], names)
    assert told == ["XOI passed from Old Oil Corp (CIK 1) to New Oil Holdings Corp (CIK 2)"]
    days = [date(2026, 6, 30), date(2026, 7, 1), LATER, date(2026, 7, 6)]
    keys = pl.DataFrame({"symbol": ["XOI"] * 4, "session": days})
    assert catalysts.companies_of(keys, registry(desk))["cik"].to_list() == [1, 1, 2, 2]
    shown = companies.watch_list(desk).select("cik", "symbol", "note").rows()
    assert sorted(shown) == [
        (1, None, "XOI since 2026-07-02: New Oil Holdings Corp (CIK 2)"),
        (2, "XOI", "XOI until 2026-07-02: Old Oil Corp (CIK 1)"),
        (3, "ABC", None),
    ]
    companies.watch(desk, ["XOI"])
    assert [symbol for _, symbol in _shown(desk)].count("XOI") == 1


def test_a_ticker_that_comes_back_is_shown_again(desk: Desk) -> None:
    """The watch list follows it to the company that bore it first."""
    _map(desk, FIRST, [(1, "ZZQ"), (9, "K")])
    companies.watch(desk, ["ZZQ"])
    _map(desk, LATER, [(2, "ZZQ"), (9, "K")])
    _map(desk, date(2026, 8, 3), [(1, "ZZQ"), (9, "K")])
    rows = desk.warehouse.read("SELECT cik, symbol FROM watchlist ORDER BY cik").rows()
    assert rows == [(1, "ZZQ"), (2, None)]


def test_a_ticker_of_three_companies_passes_from_the_last_one(desk: Desk) -> None:
    """The move names who bore it until then; the list tells each the day it ended for itself."""
    _map(desk, FIRST, [(1, "ZZQ"), (9, "K")])
    companies.watch(desk, ["ZZQ"])
    _map(desk, LATER, [(2, "ZZQ"), (9, "K")])
    told = _map(desk, date(2026, 8, 3), [(3, "ZZQ"), (9, "K")])
    assert told == ["ZZQ passed from Company 2 (CIK 2) to Company 3 (CIK 3)"]
    notes = companies.watch_list(desk).select("cik", "note").rows()
    assert dict(notes)[3] == (
        "ZZQ until 2026-07-02: Company 1 (CIK 1); ZZQ until 2026-08-03: Company 2 (CIK 2)"
    )


def test_a_ticker_nobody_bore_for_a_while_ended_when_it_was_lost(desk: Desk) -> None:
    """Not on the day on which another company took it."""
    _map(desk, FIRST, [(1, "ZZQ"), (9, "K")])
    companies.watch(desk, ["ZZQ"])
    _map(desk, LATER, [(9, "K")])
    _map(desk, date(2026, 8, 3), [(2, "ZZQ"), (9, "K")])
    notes = companies.watch_list(desk).select("cik", "note").rows()
    assert dict(notes) == {
        1: "ZZQ since 2026-08-03: Company 2 (CIK 2)",
        2: "ZZQ until 2026-07-02: Company 1 (CIK 1)",
    }


def test_a_class_that_moves_is_followed_and_leaves_the_other_once(desk: Desk) -> None:
    """To a company followed under a ticker of its own, too, and back again."""
    own = [(1, "ABC"), (2, "DEF")]
    _map(desk, FIRST, [*own, (1, "ABC-B")])
    companies.watch(desk, ["ABC", "ABC-B", "DEF"])
    _map(desk, LATER, [*own, (2, "ABC-B")])
    assert sorted(_shown(desk)) == [(1, "ABC"), (2, "ABC-B"), (2, "DEF")]
    _map(desk, date(2026, 8, 3), [*own, (1, "ABC-B")])
    assert sorted(_shown(desk)) == [(1, "ABC"), (1, "ABC-B"), (2, "DEF")]


def test_submissions_do_not_undo_a_move(desk: Desk) -> None:
    """Those of the predecessor still name the ticker, those of the successor do not yet."""
    _map(desk, FIRST, [(1, "XOI"), (3, "ABC")])
    _map(desk, LATER, [(2, "XOI"), (3, "ABC")])
    old = b'{"cik":"1","name":"Old","tickers":["XOI"],"exchanges":["NYSE"],"ein":"1"}'
    new = b'{"cik":"2","name":"New","tickers":[],"exchanges":[],"ein":"2"}'
    for body in (old, new, old):
        _submissions(desk, date(2026, 7, 3), body)
    rows = desk.warehouse.read(
        "SELECT cik, valid_from, valid_to FROM company_identifiers WHERE value = 'XOI' ORDER BY cik"
    ).rows()
    assert rows == [(1, None, LATER), (2, LATER, None)]
    assert companies.resolve(desk, ["XOI"]) == [2]


def test_a_catalyst_of_the_day_is_the_new_companys(desk: Desk) -> None:
    """On the day itself both had the ticker."""
    _map(desk, FIRST, [(1, "XOI")])
    _map(desk, LATER, [(2, "XOI")])
    found = pl.DataFrame(
        [
            {"cik": cik, "session": day, "accession": f"{cik}-{day}", "weight": 1.0}
            for cik in (1, 2)
            for day in (date(2026, 7, 1), LATER)
        ],
        schema=catalysts.COLUMNS,
    )
    borne = catalysts.per_symbol(found, registry(desk)).select("cik", "session").rows()
    assert sorted(borne) == [(1, date(2026, 7, 1)), (2, LATER)]


def test_the_class_asked_for_is_shown(desk: Desk) -> None:
    """Under any spelling; a company asked for by number under its common class."""
    rows = [(1, "BAC-PE"), (1, "BML-PG"), (1, "BAC"), (2, "BRK-A"), (2, "BRK-B")]
    _map(desk, FIRST, [*rows, (3, "GOOGL"), (3, "GOOG"), (4, "EPX"), (5, "PFM"), (5, "EPX-PC")])
    companies.watch(desk, ["bac", "BRK.B", "GOOG", "EPX", "5"])
    assert sorted(_shown(desk)) == [
        (1, "BAC"),
        (2, "BRK-B"),
        (3, "GOOG"),
        (4, "EPX"),
        (5, "PFM"),
    ]
    companies.watch(desk, ["GOOGL", "GOOG", "3"])
    assert sorted(_shown(desk))[2:4] == [(3, "GOOG"), (3, "GOOGL")]
    assert companies.watched(desk) == [1, 2, 3, 4, 5]
    companies.unwatch(desk, ["GOOG"])
    assert 3 not in companies.watched(desk)


def test_a_bare_root_offers_its_classes(desk: Desk) -> None:
    """In a search, and in the hint when it is no ticker itself."""
    _map(desk, FIRST, [(2, "BRK-A"), (2, "BRK-B"), (4, "EPX"), (5, "EPX-PC"), (5, "PFM")])
    search = companies.companies(desk, "BRK")
    assert search["symbol"].to_list() == ["BRK-A", "BRK-B"]
    assert companies.companies(desk, "brk.b")["symbol"].to_list() == ["BRK-B"]
    assert companies.companies(desk, "EPX")["symbol"].to_list() == ["EPX", "EPX-PC"]
    assert companies.companies(desk)["symbol"].to_list() == ["BRK-A", "EPX", "PFM"]
    assert companies.companies(desk, "CIK0000000005")["symbol"].to_list() == ["PFM"]
    with pytest.raises(NotFoundError) as error:
        companies.watch(desk, ["BRK"])
    assert error.value.hint == "BRK has several classes: name one of BRK-A, BRK-B"


def test_real_classes(desk: Desk, shared_data: Path) -> None:
    """Not the preferred ones, not the other class."""
    body = (shared_data / "sec/reference/company_tickers_exchange.json.gz").read_bytes()
    found, names = decode_tickers(gzip.decompress(body))
    with desk.warehouse.transaction() as tx:
        add_companies(tx, found, "p")
        write_identifiers(tx, names, "p", FIRST, whole_market=True)
    companies.watch(desk, ["BAC", "GS", "BRK.B", "GOOG"])
    assert [symbol for _, symbol in _shown(desk)] == ["BAC", "BRK-B", "GOOG", "GS"]


def test_the_moved_case(desk: Desk, cases: Path) -> None:
    """Old Oil's ticker on the first day, New Oil's after the map has changed."""
    folder = cases / "ticker-moved" / "sec"
    _map(desk, FIRST, [(9100401, "XOI")], {9100401: "Old Oil Corp"})
    companies.watch(desk, ["XOI"])
    body = (folder / "reference/company_tickers_exchange.json.gz").read_bytes()
    found, names = decode_tickers(gzip.decompress(body))
    with desk.warehouse.transaction() as tx:
        add_companies(tx, found, "p")
        write_identifiers(tx, names, "p", LATER, whole_market=True)
        told = follow_moves(tx, LATER, datetime(2026, 7, 2, 12, tzinfo=UTC))
    for path in sorted((folder / "submissions").glob("*.json")):
        _submissions(desk, date(2026, 7, 3), path.read_bytes())
    assert told == [
        "XOI passed from Old Oil Corp (CIK 9100401) to New Oil Holdings Corp (CIK 9100402)"
    ]
    assert [symbol for _, symbol in _shown(desk)].count("XOI") == 1
    keys = pl.DataFrame({"symbol": ["XOI"] * 2, "session": [date(2026, 7, 1), LATER]})
    known = catalysts.registry(
        desk.warehouse.read("SELECT * EXCLUDE (pull_id) FROM company_identifiers"), UNIVERSE.empty()
    )
    assert catalysts.companies_of(keys, known)["cik"].to_list() == [9100401, 9100402]


def test_a_ticker_that_comes_back_has_two_periods(desk: Desk) -> None:
    """Each session counts for the company that bore it then, and the history is kept."""
    days = [date(2026, 7, 1), LATER, date(2026, 8, 3), date(2026, 8, 10), date(2026, 9, 1)]
    holders = {FIRST: 1, LATER: 2, days[3]: 1}
    for day, cik in holders.items():
        _map(desk, day, [(cik, "ZZQ"), (9, "K")])
    keys = pl.DataFrame({"symbol": ["ZZQ"] * 5, "session": days})
    assert catalysts.companies_of(keys, registry(desk))["cik"].to_list() == [1, 2, 2, 1, 1]
    told = companies.company(desk, 1)["identifiers"]
    assert [(row["valid_from"], row["valid_to"]) for row in told] == [
        (None, LATER),
        (days[3], None),
    ]
    _map(desk, days[4], [(2, "ZZQ"), (9, "K")])
    _map(desk, date(2026, 10, 1), [(1, "ZZQ"), (9, "K")])
    keys = pl.DataFrame({"symbol": ["ZZQ"] * 3, "session": [days[3], days[4], date(2026, 10, 1)]})
    assert catalysts.companies_of(keys, registry(desk))["cik"].to_list() == [1, 2, 1]


def test_a_ticker_missing_on_one_day_is_no_new_period(desk: Desk) -> None:
    """Gone and back on the same day, as between two pulls, it is as it was."""
    for rows in ([(1, "ZZQ"), (9, "K")], [(9, "K")], [(1, "ZZQ"), (9, "K")]):
        _map(desk, LATER, rows)
    told = companies.company(desk, 1)["identifiers"]
    assert [(row["valid_from"], row["valid_to"]) for row in told] == [(None, None)]


@pytest.mark.parametrize("spelling", ["BRK.B", "BRK-B", "BRK/B", "brk.b"])
def test_a_class_is_found_in_any_spelling(desk: Desk, spelling: str) -> None:
    """Bars named BRK.B belong to the company of the ticker BRK-B, with its filings."""
    _map(desk, FIRST, [(1, "BRK-B"), (1, "BRK-A")])
    keys = pl.DataFrame({"symbol": [spelling], "session": [LATER]})
    assert catalysts.companies_of(keys, registry(desk))["cik"].to_list() == [1]
    filed = {"cik": 1, "session": LATER, "accession": "a", "weight": 100.0, "structural": False}
    found = catalysts.per_symbol(pl.DataFrame([filed], schema=catalysts.COLUMNS), registry(desk))
    assert sorted(found["symbol"]) == ["BRK-A", "BRK-B"]
    assert market_view.profile(desk.warehouse, spelling, LATER)[1] == 1
    row = {"open": 30.0, "high": 31.0, "low": 29.0, "close": 30.0, "prior_close": 100.0}
    row |= {"symbol": spelling, "session": LATER, "gap_pct": -70.0, "rvol": 1.0, "flags": 0}
    schema = {"gap_ex_div_pct": pl.Float64, "usual_range": pl.Float64, "flags": pl.UInt16}
    gap = pl.DataFrame(
        [row | {"gap_ex_div_pct": None, "usual_range": None}], schema_overrides=schema
    )
    plain = gap_flags.judge(gap)["flags"].item()
    told = gap_flags.judge(gap, catalysts.evidence(found))["flags"].item()
    assert plain == gap_flags.Flag.SUSPECTED_ACTION and told == 0
