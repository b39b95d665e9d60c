"""What filings say, from the stand-in's archive into the store: on demand, after scans, and not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from core.domain.filings.exhibits import first_lines, in_order
from core.errors import NotFoundError, OpenbellError
from core.jobs.pulling.progress import ProgressBoard
from core.jobs.queue.port import Job
from core.jobs.worker import Context
from core.sandbox.companies.filings import known_filings
from core.sandbox.companies.filings_provider import SimulatedFilings
from core.sandbox.sec.server import Document, Fault
from core.service.desk import Desk
from core.service.filings import texts
from core.service.gaps import text_reading
from core.service.kernel.handlers import HANDLERS
from core.sources.sec.plain_text import listed, plain_text
from core.store import filing_texts as store
from tests import upstreams

KEY = (upstreams.CIK, "0009900001-24-000002")
FOLDER = f"/Archives/edgar/data/{upstreams.CIK}/000990000124000002"
PRESS = b"<p>Exhibit 99.1</p><p>Made Up sells its mills</p><script>x()</script><p>It said so.</p>"
ROW = "<tr><td>{}</td><td>d</td><td><a href='{}/{}'>n</a></td><td>{}</td><td>9</td></tr>"


def index(*documents: tuple[str, str]) -> bytes:
    rows = [ROW.format(n, FOLDER, name, kind) for n, (kind, name) in enumerate(documents, 1)]
    return f"<table>{''.join(rows)}</table>".encode()


@pytest.fixture
def archive() -> Iterator[upstreams.Running]:
    """An SEC whose archive has an 8-K with a press release."""
    with upstreams.Running() as running:
        running.documents.bodies |= {
            f"{FOLDER}/{KEY[1]}-index.htm": index(("8-K", "a.htm"), ("EX-99.1", "p.htm")),
            f"{FOLDER}/a.htm": b"<p>Item 8.01 Other Events</p><p>See the exhibit.</p>",
            f"{FOLDER}/p.htm": PRESS,
        }
        yield running


@pytest.fixture
def desk(archive: upstreams.Running, make_desk: Callable[..., Desk]) -> Desk:
    """A desk that knows the filing."""
    found = make_desk(**archive.settings(), retries=0)
    with found.warehouse.transaction() as tx:
        tx.execute(
            "INSERT INTO filings (cik, accession, form, filed, pull_id) "
            "VALUES (?, ?, '8-K', DATE '2024-04-25', 'p')",
            list(KEY),
        )
    return found


def run(desk: Desk, payload: Mapping[str, Any]) -> Any:
    now = desk.now()
    job = Job("j", texts.EVENT, payload, "running", now, now, now)  # type: ignore[arg-type]
    return asyncio.run(HANDLERS[texts.EVENT](desk, job, Context(ProgressBoard(desk.now), "j")))


def read(desk: Desk) -> dict[str, Any]:
    """Read the filing, and what is kept of it."""
    run(desk, {"filing": [*KEY, "8-K"]})
    return texts.texts(desk, [KEY])[KEY]


def test_the_press_release_is_read_and_kept(desk: Desk) -> None:
    """With the address at the SEC, and without its script."""
    row = read(desk)
    assert (row["kind"], row["text"]) == ("EX-99.1", "Made Up sells its mills\nIt said so.")
    assert row["url"] == f"https://www.sec.gov{FOLDER}/p.htm"
    assert store.every(desk.warehouse)["accession"].to_list() == [KEY[1]]
    assert text_reading.owed(desk, [(*KEY, "8-K")]) == []


@pytest.mark.parametrize(
    "press", [b"%PDF-1.4", b"<p>" + b"x" * (text_reading.LARGEST + 1), b"", b"<script>x</script>"]
)
def test_where_the_press_release_cannot_be_read_the_report_is(
    archive: upstreams.Running, desk: Desk, press: bytes
) -> None:
    """A PDF, one that is too large, an empty one, one without words."""
    archive.documents.bodies[f"{FOLDER}/p.htm"] = press
    assert read(desk)["text"] == "See the exhibit."


def test_a_filing_that_the_archive_does_not_have_is_asked_for_again_a_little_later(
    archive: upstreams.Running, make_desk: Callable[..., Desk], desk: Desk
) -> None:
    """Three times in all, ten minutes apart; its reason is kept."""
    archive.documents.bodies.clear()
    row = read(desk)
    assert (row["text"], row["reason"]) == (None, "the archive does not have it yet")
    wanted = [(*KEY, "8-K")]
    assert text_reading.owed(desk, wanted) == []
    later = desk.as_of(desk.now() + timedelta(minutes=11))
    assert text_reading.owed(later, wanted) == wanted
    read(desk)
    assert read(desk)["tries"] == text_reading.TRIES
    assert text_reading.owed(later, wanted) == []


def test_an_sec_that_does_not_answer_leaves_nothing_and_fails_nothing(
    archive: upstreams.Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a scan; whoever asked for one filing is told."""
    monkeypatch.setattr(text_reading, "_behind_latest", lambda _: [(*KEY, "8-K")])
    archive.refuse()
    done = run(desk, {})
    assert (done["read"], done["left"]) == (0, 1)
    assert done["why"]
    assert texts.texts(desk, [KEY]) == {}
    with pytest.raises(OpenbellError):
        run(desk, {"filing": [*KEY, "8-K"]})
    archive.listen()


def test_a_page_of_the_sec_that_refuses_is_no_text(archive: upstreams.Running, desk: Desk) -> None:
    """It may come with status 200."""
    archive.served.sec.faults.append(Fault("sec-html", "p.htm"))
    assert read(desk)["text"] == "See the exhibit."


def test_one_filing_is_read_in_front_of_all_else(desk: Desk) -> None:
    """And one that is not stored is refused."""
    job = desk.queue.get(texts.read(desk, KEY[1]))
    assert job.payload["filing"] == [*KEY, "8-K"]
    assert job.priority > 0
    with pytest.raises(NotFoundError):
        texts.read(desk, "0000000000-00-000000")


def test_a_scan_has_what_is_behind_its_first_candidates_read(desk: Desk) -> None:
    """Forms of boxes and numbers are not; nothing is queued twice, or when all is kept."""
    forms = [("a-1", "8-K"), ("a-2", "4"), ("a-3", "144")]
    rows = pl.DataFrame(
        {"cik": [1, None, 2], "catalysts": [_filings(*forms), _filings(("b-1", "8-K")), None]}
    )
    scan = _Scan(rows)
    assert text_reading.behind(scan, 3) == [(1, "a-1", "8-K")]  # type: ignore[arg-type]
    assert text_reading.behind(scan, 0) == []  # type: ignore[arg-type]
    assert text_reading.follow(desk, scan)  # type: ignore[arg-type]
    assert text_reading.follow(desk, scan)  # type: ignore[arg-type]
    assert len(desk.queue.find(event_name=texts.EVENT)) == 1
    with desk.warehouse.transaction() as tx:
        store.keep(tx, store.FilingText(1, "a-1", text="x"), desk.now())
    assert not text_reading.follow(desk, scan)  # type: ignore[arg-type]


class _Scan:
    def __init__(self, candidates: pl.DataFrame) -> None:
        self.candidates = candidates


def _filings(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"accession": accession, "form": form} for accession, form in pairs]


def test_documents_of_the_stand_in_tell_what_moved_the_price() -> None:
    """The simulated archive has index, report and press release of an 8-K."""
    served = SimulatedFilings(7, date(2026, 3, 11))
    row = (
        known_filings(7, date(2026, 3, 11), None)
        .filter(pl.col("form") == "8-K")
        .row(-1, named=True)
    )
    folder = f"/Archives/edgar/data/{row['cik']}/{row['accession'].replace('-', '')}"

    def body(path: str) -> bytes:
        found = served.document(path)
        assert isinstance(found, Document)
        return found.body

    press, report = in_order(listed(body(f"{folder}/{row['accession']}-index.htm"), ""), "8-K")
    assert (press.kind, report.kind) == ("EX-99.1", "8-K")
    said = [first_lines(plain_text(body(item.path), ""), item.kind) for item in (press, report)]
    assert said[1].split("\n")[0] in said[0]
    assert served.document(f"{folder}/other.htm") is None
