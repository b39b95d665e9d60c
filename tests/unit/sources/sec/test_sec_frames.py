"""Submissions, ticker maps, index files and the feed as frames, on captured files."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from core.domain.tables.frames import COMPANIES, COMPANY_IDENTIFIERS, FILINGS, check
from core.errors import ParsingError
from core.sandbox.companies.filings import known_filings
from core.sources.sec.index import decode_feed, decode_index
from core.sources.sec.submissions import decode_page, decode_submissions, decode_tickers
from core.store.filings import add_filings, write_identifiers
from core.store.warehouse import Warehouse
from tests import stand_ins


def captured(folder: Path, name: str) -> bytes:
    """The original bytes of a capture."""
    return gzip.decompress((folder / "sec" / f"{name}.gz").read_bytes())


def test_every_list_of_filings_is_read(captures_or_none: Path | None) -> None:
    """Fourteen to sixteen columns, escaped names, persons, empty companies, pages of long lists."""
    for cik, body in stand_ins.submissions(captures_or_none):
        document = json.loads(body)
        if "filings" not in document:
            filings, rejects = decode_page(body, cik)
            expected = len(document["accessionNumber"])
        else:
            said = decode_submissions(body, cik)
            check(said.company, COMPANIES)
            check(said.identifiers, COMPANY_IDENTIFIERS)
            filings, rejects = said.filings, said.rejects
            expected = len(document["filings"]["recent"]["accessionNumber"])
            assert list(said.pages) == [f["name"] for f in document["filings"]["files"]]
        assert check(filings, FILINGS).height == expected
        assert rejects.is_empty()
        assert filings["accepted_at"].null_count() == 0


def test_acceptance_is_an_instant_in_utc() -> None:
    """Half past four in New York is half past nine in winter, half past eight in summer."""
    recent = {
        "accessionNumber": ["a", "b"],
        "filingDate": ["2014-01-27", "2014-07-22"],
        "acceptanceDateTime": ["2014-01-27T21:30:33.000Z", "2014-07-22T20:30:12.000Z"],
        "form": ["8-K", "8-K"],
    }
    body = json.dumps({"cik": "1", "filings": {"recent": recent}}).encode()
    assert [at.astimezone(UTC) for at in decode_submissions(body).filings["accepted_at"]] == [
        datetime(2014, 1, 27, 21, 30, 33, tzinfo=UTC),
        datetime(2014, 7, 22, 20, 30, 12, tzinfo=UTC),
    ]


def test_old_columns_may_be_missing_and_rows_may_be_faulty() -> None:
    """Missing columns are null; a row without a form is rejected with its number."""
    recent = {
        "accessionNumber": ["a", "b"],
        "filingDate": ["2020-01-02", "2020-01-03"],
        "form": ["10-K", None],
    }
    said = decode_submissions(json.dumps({"cik": "1", "filings": {"recent": recent}}).encode())
    assert said.filings.select("accession", "accepted_at").rows() == [("a", None)]
    assert said.rejects.select("row_number", "column_name").rows() == [(2, "form")]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"cik":"x"}',
        b'{"cik":1,"filings":{"recent":{"form":["a"],"filingDate":["b","c"]}}}',
        b'{"cik":1,"filings":{"recent":{"form":[{}]}}}',
    ],
)
def test_what_is_not_submissions_is_refused(body: bytes) -> None:
    """With its origin."""
    with pytest.raises(ParsingError, match="some/path"):
        decode_submissions(body, where="some/path")


def test_both_ticker_maps_are_read() -> None:
    """With the exchange where the map has it."""
    by_number = {"0": {"cik_str": 320193, "ticker": "AAPL", "title": "Apple Inc."}}
    companies, plain = decode_tickers(json.dumps(by_number).encode())
    table = {
        "fields": ["cik", "name", "ticker", "exchange"],
        "data": [[320193, "Apple Inc.", "AAPL", "Nasdaq"], [5, "Some Co", "SOME", None]],
    }
    _, listed = decode_tickers(json.dumps(table).encode())
    assert plain.select("cik", "value", "exchange").rows() == [(320193, "AAPL", None)]
    assert listed.sort("cik").select("cik", "value", "exchange").rows() == [
        (5, "SOME", None),
        (320193, "AAPL", "Nasdaq"),
    ]
    assert companies.select("cik", "name").rows() == [(320193, "Apple Inc.")]
    for broken in (b"[]", b'{"fields":1}', b'{"0":{"ticker":"A"}}', b"{"):
        with pytest.raises(ParsingError):
            decode_tickers(broken)


@pytest.mark.parametrize("kind", ["form", "company", "master"])
def test_index_files_of_every_kind_tell_the_same(kind: str) -> None:
    """In columns by form, by company, or between bars: the filings of the day, each once."""
    day = date(2026, 3, 2)
    path = f"/Archives/edgar/daily-index/2026/QTR1/{kind}.{day:%Y%m%d}.idx"
    document = stand_ins.served(None).document(path, {})
    assert document is not None
    filings, rejects = decode_index(document.body)
    assert check(filings, FILINGS).height == document.body.count(b"edgar/data/") > 10
    assert rejects.is_empty()
    assert filings["filed"].unique().to_list() == [day]
    known = known_filings(stand_ins.SEED, stand_ins.AS_OF, None).filter(pl.col("filed") == day)
    columns = ("cik", "accession", "form")
    assert sorted(filings.select(columns).rows()) == sorted(known.select(columns).rows())


REAL_INDEXES: dict[str, tuple[int, tuple[object, ...]]] = {
    "form.20200318.idx": (4031, (1806014, "0001140361-20-006155", "1-A", date(2020, 3, 18))),
    "company.20221003.idx": (
        4909,
        (1700461, "0001104659-22-105357", "1-A POS", date(2022, 10, 3)),
    ),
    "master.20181231.idx": (2599, (1000228, "0001209191-18-064398", "4", date(2018, 12, 31))),
    "badform.idx.txt": (9, (1838675, "0001213900-21-007106", "1-A", date(2021, 2, 5))),
}


def test_real_index_files_are_read_from_the_right(shared_data: Path) -> None:
    """Moving widths, cut names, a header broken in two, rows of another year."""
    for name, (rows, first) in REAL_INDEXES.items():
        filings, rejects = decode_index(captured(shared_data, f"index/{name}"))
        assert check(filings, FILINGS).height == rows, name
        assert rejects.is_empty()
        assert filings.select("cik", "accession", "form", "filed").row(0) == first
        long = filings.filter(pl.col("form").str.len_chars() > 10)["form"].unique().to_list()
        assert long in ([], ["SEC STAFF LETTER"])  # which the column cuts to "SEC STAFF"


def test_an_empty_index_is_no_error_and_a_page_is() -> None:
    """No rows is a day without filings; no header is not an index."""
    filings, rejects = decode_index(_index())
    assert filings.is_empty() and rejects.is_empty()
    with pytest.raises(ParsingError, match="header"):
        decode_index(b"<html>nothing</html>")


def test_a_line_that_is_no_row_is_rejected_with_its_number() -> None:
    """The others are read."""
    text = _index(("8-K", "Acme Corp"), ("10-K", "Other Corp")) + b"\nnonsense here\n"
    filings, rejects = decode_index(text)
    assert filings["form"].to_list() == ["8-K", "10-K"]
    assert rejects.select("row_number", "raw").rows() == [(5, "nonsense here")]


def test_a_feed_page_tells_each_filing_once() -> None:
    """Though it stands there for issuer and owner; as the company's own list tells it."""
    page = stand_ins.served(None).document(
        "/cgi-bin/browse-edgar", {"action": "getcurrent", "start": "0", "count": "100"}
    )
    assert page is not None
    filings, rejects = decode_feed(page.body)
    assert rejects.is_empty()
    keys = check(filings, FILINGS).select("cik", "accession")
    assert keys.is_unique().all()
    known = known_filings(stand_ins.SEED, stand_ins.AS_OF, None)
    told = ("cik", "accession", "form", "filed")
    own = filings.join(known, on=["cik", "accession"], how="inner")
    assert own.height > 50
    assert sorted(own.select(told).rows()) == sorted(
        known.join(keys, on=["cik", "accession"]).select(told).rows()
    )
    assert own.filter(pl.col("accepted_at") != pl.col("accepted")).is_empty()
    assert own.filter(pl.col("items") != pl.col("items_right")).is_empty()


def test_feed_pages_keep_an_accession_once_per_company(shared_data: Path) -> None:
    """With instants in UTC, sizes in bytes and 8-K items."""
    total = 0
    for path in sorted((shared_data / "sec" / "feed").glob("*.gz")):
        body = gzip.decompress(path.read_bytes())
        filings, rejects = decode_feed(body)
        assert check(filings, FILINGS).select("cik", "accession").is_unique().all()
        assert rejects.is_empty()
        assert filings["accepted_at"].null_count() == 0
        total += body.count(b"<entry>")
    assert total == 1580
    filings, _ = decode_feed(captured(shared_data, "feed/start00900_count100.atom.xml"))
    row = filings.filter(pl.col("accession") == "0001104659-26-002583").row(0, named=True)
    assert (row["cik"], row["form"], row["items"]) == (1674356, "8-K", "2.02,7.01")
    assert row["accepted_at"] == datetime(2026, 1, 10, 1, 31, 41, tzinfo=UTC)
    assert row["size_bytes"] == 198 * 1024


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><feed xmlns="http://www.w3.org/2005/Atom">&a;</feed>',
    ],
)
def test_hostile_or_foreign_xml_is_refused(body: bytes) -> None:
    """Entities are not expanded."""
    with pytest.raises(ParsingError):
        decode_feed(body)


def _tickers(*rows: tuple[int, str]) -> pl.DataFrame:
    cells = {"exchange": None, "valid_from": None, "valid_to": None, "source": "sec"}
    return pl.DataFrame(
        [{"cik": cik, "kind": "ticker", "value": value} | cells for cik, value in rows],
        schema=dict(COMPANY_IDENTIFIERS.columns),
    )


def test_tickers_have_a_time(warehouse: Warehouse) -> None:
    """A renamed company keeps its old ticker with an end, and the new one with a beginning."""
    first, later = date(2026, 1, 5), date(2026, 2, 5)
    with warehouse.transaction() as tx:
        write_identifiers(tx, _tickers((1, "FB"), (2, "X")), "p1", first, whole_market=True)
        write_identifiers(tx, _tickers((1, "META"), (3, "Y")), "p2", later, whole_market=True)
        again = write_identifiers(
            tx, _tickers((1, "META"), (3, "Y")), "p3", later, whole_market=True
        )
    rows = warehouse.read(
        "SELECT cik, value, valid_from, valid_to FROM company_identifiers ORDER BY cik, value"
    ).rows()
    assert rows == [
        (1, "FB", None, later),
        (1, "META", later, None),
        (2, "X", None, later),
        (3, "Y", None, None),
    ]
    assert (again.inserted, again.updated) == (0, 0)


def _index(*rows: tuple[str, str], form_width: int = 12) -> bytes:
    lines = [
        "Form Type".ljust(form_width) + "Company Name".ljust(30) + "CIK       Date Filed  File"
    ]
    lines.append("-" * 90)
    for n, (cell, name) in enumerate(rows):
        left = cell.ljust(form_width) + name.ljust(30)
        lines.append(f"{left}1000      20260105    edgar/data/1000/0000001000-26-{n:06d}.txt")
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("width", "cell", "form"),
    [
        (12, "IRANNOTICE", "IRANNOTICE"),
        (12, "SEC STAFF", "SEC STAFF LETTER"),
        (12, "SEC STAFF ACTION", "SEC STAFF ACTION"),  # runs over into the name
        (12, "SCHEDULE 13G/A", "SCHEDULE 13G/A"),
        (12, "SCHEDULE 13", "SCHEDULE 13"),  # of which kind is not known
        (10, "NT NPORT", "NT NPORT-P"),
        (10, "SC 14D9", "SC 14D9"),
        (10, "10-KSB4", "10-KSB40"),
        (10, "SC 13D/", "SC 13D/A"),
        (12, "8-K", "8-K"),
        (12, "10-S", "10-S"),
        (12, "40-F", "40-F"),
    ],
)
def test_forms_cut_by_a_narrow_column_are_completed(width: int, cell: str, form: str) -> None:
    """The only known form that begins so; what runs over is read whole, what is whole stays."""
    filings, rejects = decode_index(_index((cell, "Acme Corp"), form_width=width))
    assert (filings["form"].to_list(), rejects.height) == ([form], 0)


def test_file_numbers_are_kept() -> None:
    """As stated: one that is empty says "none", one that is not there says nothing."""
    recent = {
        "accessionNumber": ["a", "b"],
        "filingDate": ["2020-01-02"] * 2,
        "form": ["SC 13D"] * 2,
        "fileNumber": ["005-12345", ""],
    }
    body = {"cik": "1", "filings": {"recent": recent}}
    said = decode_submissions(json.dumps(body).encode())
    assert said.filings["file_number"].to_list() == ["005-12345", ""]
    del recent["fileNumber"]
    said = decode_submissions(json.dumps(body).encode())
    assert said.filings["file_number"].to_list() == [None, None]


def test_an_index_does_not_overwrite_what_submissions_said(warehouse: Warehouse) -> None:
    """A filing that is there keeps its instant."""
    row = {"cik": 1, "accession": "a", "form": "8-K", "filed": date(2026, 1, 5)}
    known = pl.DataFrame([row], schema=dict(FILINGS.columns))
    with warehouse.transaction() as tx:
        assert add_filings(tx, known, "p1").inserted == 1
        assert add_filings(tx, known.with_columns(form=pl.lit("X")), "p2").unchanged == 1
    assert warehouse.read("SELECT form FROM filings").item() == "8-K"
