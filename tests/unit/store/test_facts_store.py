"""Facts in the store: history, removal, as known on a date, and nothing for nothing changed."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.domain.tables.frames import FACTS
from core.sandbox.market.names import cik_of
from core.service.desk import Desk
from core.service.kernel import exports
from core.sources.sec.decode import decode_facts
from core.store.fact_corrections import corrections
from core.store.fact_merge import FactCounts
from core.store.fact_quarters import write_quarter
from core.store.facts import facts_as_known_on, known_concepts, write_facts
from core.store.warehouse import Warehouse
from tests import depth, stand_ins
from tests.stand_ins import BEFORE

OLD, NEW = datetime(2024, 3, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)


def fact(
    value: float, end: str = "2023-12-31", accession: str = "a-1", **more: Any
) -> dict[str, Any]:
    """One fact of companyfacts."""
    base = {"end": end, "val": value, "accn": accession, "fy": 2023, "fp": "FY", "form": "10-K"}
    return base | {"filed": "2024-02-01"} | more


def answer(cik: int = 7, **concepts: list[dict[str, Any]]) -> bytes:
    """A companyfacts answer with some concepts in USD."""
    units = {name: {"label": name, "units": {"USD": facts}} for name, facts in concepts.items()}
    return json.dumps({"cik": cik, "entityName": "X", "facts": {"us-gaap": units}}).encode()


def put(warehouse: Warehouse, pull_id: str, now: datetime, *bodies: bytes) -> FactCounts:
    """Decode and store answers as a pull does."""
    ciks = [json.loads(body)["cik"] for body in bodies]
    known = known_concepts(warehouse, ciks)
    companies = [decode_facts(b, known=known.get(c)) for b, c in zip(bodies, ciks, strict=True)]
    with warehouse.transaction() as tx:
        return write_facts(tx, companies, pull_id, now)


def values(warehouse: Warehouse, on: date | None = None) -> list[float]:
    """The values known on a date, in order of period."""
    return facts_as_known_on(warehouse, on).sort("period_end", "value")["value"].to_list()


def test_a_changed_value_keeps_its_older_version(warehouse: Warehouse) -> None:
    """The store states the new one; a date before the change sees the old one."""
    put(warehouse, "p1", OLD, answer(Assets=[fact(1), fact(5, "2022-12-31")]))
    counts = put(warehouse, "p2", NEW, answer(Assets=[fact(2), fact(5, "2022-12-31")]))
    assert counts == FactCounts(inserted=0, updated=1, unchanged=1, removed=0)
    assert values(warehouse) == [5, 2]
    assert values(warehouse, date(2024, 6, 1)) == [5, 1]
    assert values(warehouse, date(2025, 3, 1)) == [5, 2]
    assert values(warehouse, date(2024, 1, 1)) == []
    row = warehouse.read("SELECT value, pull_id, replaced_by, replaced_at FROM facts_history").row(
        0
    )
    assert row[:3] == (1.0, "p1", "p2")
    assert row[3] == NEW


def test_a_fact_no_longer_stated_is_marked_not_lost(warehouse: Warehouse) -> None:
    """It is gone from today's view and there in the view of a day before."""
    put(warehouse, "p1", OLD, answer(Assets=[fact(1)], Cash=[fact(3)]))
    counts = put(warehouse, "p2", NEW, answer(Assets=[fact(1)]))
    assert counts == FactCounts(unchanged=1, removed=1)
    assert values(warehouse) == [1]
    assert values(warehouse, date(2024, 6, 1)) == [1, 3]
    assert warehouse.read("SELECT removed_at FROM facts WHERE concept = 'Cash'").item() == NEW


def test_a_fact_that_returns_is_stated_again(warehouse: Warehouse) -> None:
    """Its time away stays in the history."""
    put(warehouse, "p1", OLD, answer(Assets=[fact(1)], Cash=[fact(3)]))
    put(warehouse, "p2", NEW, answer(Assets=[fact(1)]))
    put(warehouse, "p3", datetime(2026, 3, 1, tzinfo=UTC), answer(Assets=[fact(1)], Cash=[fact(3)]))
    assert values(warehouse) == [1, 3]
    assert warehouse.read("SELECT count(*) FROM facts WHERE removed_at IS NOT NULL").item() == 0
    assert warehouse.read("SELECT replaced_at FROM facts_history").item() == NEW


def test_the_same_answer_again_writes_nothing(warehouse: Warehouse) -> None:
    """Not even its hashes: every row still bears the first pull."""
    body = answer(Assets=[fact(1), fact(2, "2022-12-31")])
    put(warehouse, "p1", OLD, body)
    assert put(warehouse, "p2", NEW, body) == FactCounts(unchanged=2)
    for table in ("facts", "fact_concepts", "concepts", "companies", "fact_pulls"):
        assert warehouse.read(f"SELECT DISTINCT pull_id FROM {table}").rows() == [("p1",)]


def test_several_companies_new_and_known_go_in_together(warehouse: Warehouse) -> None:
    """The counts tell them apart."""
    put(warehouse, "p1", OLD, answer(Assets=[fact(1)]))
    counts = put(warehouse, "p2", NEW, answer(Assets=[fact(9)]), answer(cik=8, Assets=[fact(4)]))
    assert counts == FactCounts(inserted=1, updated=1)
    assert warehouse.read("SELECT cik, count(*) FROM facts GROUP BY cik ORDER BY cik").rows() == [
        (7, 1),
        (8, 1),
    ]


def test_facts_of_a_data_set_fill_gaps_and_give_way(warehouse: Warehouse) -> None:
    """A quarter adds only filings without facts; companyfacts does not mark the others removed."""
    put(warehouse, "p1", OLD, answer(Assets=[fact(1)]))
    stored = facts_as_known_on(warehouse)
    other = stored.with_columns(accession=pl.lit("b-1"), value=pl.lit(8.0))
    with warehouse.transaction() as tx:
        counts = write_quarter(tx, pl.concat([stored, other]), FACTS.empty, "q1", NEW)
    assert counts.facts == FactCounts(inserted=1, unchanged=1)
    put(warehouse, "p2", NEW, answer(Assets=[fact(1), fact(2, "2022-12-31")]))
    assert values(warehouse) == [2, 1, 8]


BETWEEN = date(2024, 6, 1)  # after the first pull of these tests and before the second
LONG_AGO = date(2024, 2, 15)  # before the first, after the filing
Change = tuple[dict[str, Any], dict[str, Any], str]
CHANGES: dict[str, Change] = {
    "value": ({"value": 0.0063}, {"value": 0.00625}, "1 values"),
    "label": ({"fp": "FY"}, {"fp": None, "fy": None}, "1 fiscal periods"),
    "day": ({"filed": "2024-02-01"}, {"filed": "2024-02-02"}, "1 days or forms of filing"),
    "frame": ({"frame": "CY2023Q4I"}, {}, ""),
    "unit": ({"unit": "USD"}, {"unit": "USD/shares"}, "1 units"),
}


def one(value: float = 0.57, unit: str = "USD", **more: Any) -> bytes:
    """A companyfacts answer with one fact, which nothing else is like, and another concept."""
    concepts = {
        "Dividend": {"label": "x", "units": {unit: [fact(value, **more)]}},
        "Assets": {"label": "x", "units": {"USD": [fact(5)]}},
    }
    return json.dumps({"cik": 7, "entityName": "X", "facts": {"us-gaap": concepts}}).encode()


@pytest.mark.few(2)
@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_source_says_otherwise_of_a_filing_is_a_correction_of_its_copy(
    warehouse: Warehouse, kind: str
) -> None:
    """Kept, told, and never a second fact: now as the newer answer alone, then as the older."""
    before, after, words = CHANGES[kind]
    put(warehouse, "p1", OLD, one(**before))
    counts = put(warehouse, "p2", NEW, one(**after))
    assert (counts.inserted, counts.updated, counts.removed) == (0, 1, 0)
    assert words in str(counts.corrections)
    assert bool(str(counts.corrections)) == bool(words)
    history = warehouse.read("SELECT reason, pull_id, replaced_by FROM facts_history")
    assert history.rows() == [("correction", "p1", "p2")]
    older, newer = (decode_facts(one(**said)).facts.sort(FACTS.key) for said in (before, after))
    assert_frame_equal(facts_as_known_on(warehouse).sort(FACTS.key), newer)
    assert_frame_equal(facts_as_known_on(warehouse, BETWEEN).sort(FACTS.key), older)
    assert_frame_equal(facts_as_known_on(warehouse, date(2025, 4, 1)).sort(FACTS.key), newer)
    assert facts_as_known_on(warehouse, LONG_AGO).height == 2
    assert warehouse.read("SELECT count(*) FROM facts").item() == 2
    told = corrections(warehouse, [7], "a-1").row(0, named=True)
    pair = [
        body.filter(pl.col("concept") == "Dividend").row(0, named=True) for body in (older, newer)
    ]
    assert (told["old"], told["new"]) == (pair[0]["value"], pair[1]["value"])
    differ = [name for name in FACTS.columns if pair[0][name] != pair[1][name]]
    assert sorted(told["changed"].split()) == sorted(differ)
    assert (told["reason"], told["known_at"]) == ("correction", NEW)
    assert put(warehouse, "p3", NEW, one(**after)) == FactCounts(unchanged=2)


def test_facts_that_a_source_adds_to_an_old_filing_are_known_from_then_on(
    warehouse: Warehouse,
) -> None:
    """Not on a day on which the filing had been told without them; nothing is hidden of filings
    that were told later.
    """
    put(warehouse, "p1", OLD, answer(Assets=[fact(1)]))
    put(warehouse, "p2", NEW, answer(Assets=[fact(1), fact(2, "2022-12-31"), fact(3, "2021-12-31",
        accession="b-1")]))  # fmt: skip
    assert values(warehouse, BETWEEN) == [3, 1]
    assert values(warehouse, LONG_AGO) == [3, 2, 1]
    assert values(warehouse, date(2025, 4, 1)) == [3, 2, 1]


# Captures with units renamed, values re-rounded, labels emptied; one with frames alone.
VINTAGES = [
    "CIK0000320193__lastfiled-2021", "CIK0001018724__lastfiled-2022",
    "CIK0000320193__lastfiled-2022", "CIK0001652044__lastfiled-2022",
]  # fmt: skip


@pytest.mark.deep
def test_an_older_answer_and_then_the_newer_is_the_newer_alone_and_history(
    warehouse: Warehouse, shared_data: Path
) -> None:
    """Real pairs: no fact is there twice, and the day between has the older answer to the cell."""
    for cik, name in enumerate(VINTAGES[: depth.pick(2, len(VINTAGES))], 1):
        bodies = [_of_company(cik, path) for path in _vintages(shared_data, name)]
        put(warehouse, "p1", datetime(2025, 10, 1, tzinfo=UTC), bodies[0])
        put(warehouse, "p2", datetime(2026, 11, 1, tzinfo=UTC), bodies[1])
        views = [
            facts_as_known_on(warehouse, on).filter(cik=cik) for on in (date(2026, 10, 1), None)
        ]
        expected = [decode_facts(body).facts for body in bodies]
        told = set(expected[0].select("accession").to_series())
        views[0] = views[0].filter(pl.col("accession").is_in(told))
        for view, facts in zip(views, expected, strict=True):
            assert_frame_equal(view.sort(FACTS.key), facts.sort(FACTS.key))
        live = warehouse.read("SELECT count(*) FROM facts WHERE cik = ?", [cik]).item()
        assert live == expected[1].height, name


def _vintages(shared_data: Path, name: str) -> tuple[Path, Path]:
    """The older and the newer capture of a company."""
    corpus = shared_data.parent / "corpus" / "companyfacts"
    older = next((corpus / "vintages").glob(f"{name}*.gz"), None)
    if older is None:
        pytest.skip("the corpus is not beside this checkout")
    file = f"{name[:13]}.json.gz"
    places = (corpus / file, shared_data / "sec" / "companyfacts" / file)
    return older, next(path for path in places if path.exists())


def _of_company(cik: int, path: Path) -> bytes:
    """A captured answer as if another company's, so that several pairs fit into one store."""
    body = gzip.decompress(path.read_bytes())
    return re.sub(rb'"cik": ?"?\d+"?', b'"cik":%d' % cik, body, count=1)


def test_an_older_answer_first_and_the_newer_after_give_both_views(
    warehouse: Warehouse, captures_or_none: Path | None
) -> None:
    """Today's view is the newer answer, the earlier view the older one, to the cell."""
    cik, between = (1045810, date(2024, 12, 1)) if captures_or_none else (cik_of(1), BEFORE)
    path = f"/api/xbrl/companyfacts/CIK{cik:010}.json"
    documents = [
        stand_ins.served(captures_or_none, vintage=vintage).document(path, {})
        for vintage in (0, None)
    ]
    bodies = [document.body for document in documents if document]
    put(warehouse, "p1", datetime(between.year, between.month, 1, tzinfo=UTC), bodies[0])
    put(warehouse, "p2", datetime(2026, 7, 1, tzinfo=UTC), bodies[1])
    views = (facts_as_known_on(warehouse, between), facts_as_known_on(warehouse))
    assert views[0].height < views[1].height
    for view, body in zip(views, bodies, strict=True):
        expected = decode_facts(body).facts
        assert view.height == expected.height
        assert_frame_equal(view.sort(FACTS.key), expected.sort(FACTS.key))


def test_each_version_stands_beside_the_one_that_took_its_place(desk: Desk) -> None:
    """Three answers in turn, the last one a unit renamed: two corrections, exported."""
    later = datetime(2026, 3, 1, tzinfo=UTC)
    said = [one(0.57), one(0.58), one(0.58, unit="USD/shares")]
    for pull, now, body in zip(("p1", "p2", "p3"), (OLD, NEW, later), said, strict=True):
        put(desk.warehouse, pull, now, body)
    found = exports.frame_of(desk, "corrections", cik=7)
    assert found.select("old", "new", "changed", "known_at").rows() == [
        (0.57, 0.58, "value", NEW),
        (0.58, 0.58, "unit", later),
    ]
    assert found["new_unit"].to_list() == ["USD", "USD/shares"]
    assert exports.frame_of(desk, "corrections", cik=8).is_empty()


def test_a_moved_frame_is_told_on_request_only(desk: Desk) -> None:
    """Frames move in every answer; they would hide what counts."""
    put(desk.warehouse, "p1", OLD, one(frame="CY2023"))
    put(desk.warehouse, "p2", NEW, one(frame="CY2024"))
    assert exports.frame_of(desk, "corrections").is_empty()
    assert exports.frame_of(desk, "corrections", frames=True)["changed"].to_list() == ["frame"]
