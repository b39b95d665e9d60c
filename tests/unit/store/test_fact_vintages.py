"""Older answers of companyfacts after newer ones: whatever the order, the newest one stands."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core.domain.tables.frames import FACTS
from core.sources.sec.decode import decode_facts
from core.store.fact_corrections import corrections
from core.store.fact_merge import FactCounts
from core.store.facts import facts_as_known_on
from core.store.warehouse import Warehouse
from tests import depth
from tests.unit.store.test_facts_store import put

START = datetime(2026, 1, 5, tzinfo=UTC)
BEFORE = date(2026, 1, 1)  # after all filings, before the first answer came
Told = dict[tuple[int, str], tuple[float, str]]  # filing and concept: value and unit


def answer(told: Told, cik: int = 7) -> bytes:
    """An answer with some concepts of numbered filings, one a quarter."""
    concepts: dict[str, Any] = {}
    for (filing, concept), (value, unit) in told.items():
        end = date(2024, 1, 31) + timedelta(days=91 * filing)
        row = {"end": f"{end}", "val": value, "accn": f"a-{filing}", "fy": 2024, "fp": "Q1",
               "form": "10-Q", "filed": f"{end + timedelta(days=30)}"}  # fmt: skip
        units = concepts.setdefault(concept, {"label": concept, "units": {}})["units"]
        units.setdefault(unit, []).append(row)
    facts = {"us-gaap": concepts}
    return json.dumps({"cik": cik, "entityName": "X", "facts": facts}).encode()


def load(warehouse: Warehouse, bodies: Sequence[bytes]) -> list[FactCounts]:
    """Store answers one a day."""
    days = [START + timedelta(days=n) for n in range(len(bodies))]
    return [put(warehouse, f"p{day:%d}", day, body) for day, body in zip(days, bodies, strict=True)]


def versions(warehouse: Warehouse, cik: int) -> set[tuple[Any, ...]]:
    """Every version of every fact of a company that the store has ever been told."""
    names, of = ", ".join(FACTS.columns), f"WHERE cik = {cik}"
    found = warehouse.read(
        f"SELECT {names} FROM facts {of} UNION SELECT {names} FROM facts_history {of}"
    )
    return set(found.rows())


def now(warehouse: Warehouse, on: date | None = None, cik: int = 7) -> pl.DataFrame:
    """The facts of a company as known, in order."""
    return facts_as_known_on(warehouse, on, [cik]).sort(FACTS.key)


OLD: Told = {(1, "Assets"): (10.0, "USD"), (1, "Cash"): (3.0, "USD"), (1, "Eps"): (0.5, "USD")}
NEW: Told = {
    (1, "Assets"): (11.0, "USD"), (1, "Eps"): (0.5, "USD/shares"), (2, "Assets"): (12.0, "USD")
}  # fmt: skip


def test_an_older_answer_undoes_nothing_and_goes_to_the_history(warehouse: Warehouse) -> None:
    """Corrected, renamed and gone facts alike; readings of every day stay right."""
    newer, older = load(warehouse, [answer(NEW), answer(OLD)])
    expected = decode_facts(answer(NEW)).facts.sort(FACTS.key)
    assert_frame_equal(now(warehouse), expected)
    assert_frame_equal(now(warehouse, START.date()), expected)
    assert_frame_equal(now(warehouse, START.date() + timedelta(days=9)), expected)
    assert (newer.inserted, older) == (3, FactCounts(unchanged=3))
    assert older.remarks == (
        "the answer of a company is older than what is stored, which stays; "
        "3 earlier versions of facts went to the history",
    )
    first = now(warehouse, BEFORE).select("concept", "value", "unit").sort("concept", "value")
    assert first.rows() == [
        ("Assets", 10.0, "USD"), ("Assets", 12.0, "USD"), ("Cash", 3.0, "USD"),
        ("Eps", 0.5, "USD/shares"),
    ]  # fmt: skip
    told = corrections(warehouse, [7]).select("concept", "old", "new", "changed", "reason")
    assert told.rows() == [
        ("Assets", 10.0, 11.0, "value", "older answer"),
        ("Cash", 3.0, None, "removed", "older answer"),
        ("Eps", 0.5, 0.5, "unit", "older answer"),
    ]


def test_the_same_older_answer_again_tells_nothing_new(warehouse: Warehouse) -> None:
    """Nor does the newer one; one newer than both is compared with what stands."""
    counts = load(warehouse, [answer(NEW), answer(OLD), answer(OLD), answer(NEW)])
    assert [count.older.versions for count in counts] == [0, 3, 0, 0]
    assert counts[3] == FactCounts(unchanged=3)
    later = put(warehouse, "p9", START + timedelta(days=9), answer(NEW | {(3, "Cash"): (9, "USD")}))
    assert later == FactCounts(inserted=1, unchanged=3)


@pytest.mark.parametrize(
    "after",
    [
        {**NEW, (1, "Assets"): (10.5, "USD")},  # the same filings, otherwise told
        {(1, "Assets"): (11.0, "USD"), (3, "Assets"): (13.0, "USD")},  # one gone, a later one came
    ],
)
def test_an_answer_that_tells_the_latest_filing_or_a_later_one_stands(
    warehouse: Warehouse, after: Told
) -> None:
    """It is the newer by its filings, or nothing tells that it is not."""
    counts = load(warehouse, [answer(NEW), answer(after)])
    assert counts[1].older.answers == 0
    assert_frame_equal(now(warehouse), decode_facts(answer(after)).facts.sort(FACTS.key))


def test_a_day_of_filing_that_moved_back_makes_no_answer_older(warehouse: Warehouse) -> None:
    """The filing is told, whatever its day."""
    moved = answer(NEW).replace(b"2024-08-30", b"2024-08-29")
    assert moved != answer(NEW)
    assert load(warehouse, [answer(NEW), moved])[1].older.answers == 0


def test_only_the_older_answer_of_a_batch_is_kept_apart(warehouse: Warehouse) -> None:
    """Others of the same transaction are stored as ever."""
    put(warehouse, "p1", START, answer(NEW), answer(OLD, cik=8))
    counts = put(warehouse, "p2", START + timedelta(days=1), answer(OLD), answer(NEW, cik=8))
    assert (counts.older.answers, counts.older.versions, counts.inserted) == (1, 3, 1)
    assert (
        facts_as_known_on(warehouse, ciks=[7])
        .drop("cik")
        .equals(facts_as_known_on(warehouse, ciks=[8]).drop("cik"))
    )


CELLS = st.tuples(st.sampled_from([1.0, 2.0, 2.5]), st.sampled_from(["USD", "USD", "EUR"]))
CONCEPTS = ("Assets", "Cash", "Eps")


@st.composite
def vintages(draw: st.DrawFn) -> list[Told]:
    """What answers of one company tell, each with a later filing than the one before."""
    count, found = draw(st.integers(2, 4)), []
    for n in range(count):
        told = {
            (filing, concept): draw(CELLS)
            for filing in range(n)
            for concept in CONCEPTS
            if draw(st.integers(0, 5))
        }
        found.append(told | {(n, "Assets"): draw(CELLS)})
    return found


@pytest.mark.deep
def test_any_order_of_answers_ends_in_the_state_of_the_newest(warehouse: Warehouse) -> None:
    """And every version of every fact is kept; each day shows the newest of what had come."""
    ciks = itertools.count(1)  # each example its own company

    @depth.cases(12)
    @given(answers=vintages(), data=st.data())
    def check(answers: list[Told], data: st.DataObject) -> None:
        cik = next(ciks)
        order = data.draw(st.permutations(range(len(answers))))
        bodies = [answer(told, cik) for told in answers]
        told = [decode_facts(body).facts.sort(FACTS.key) for body in bodies]
        load(warehouse, [bodies[n] for n in order])
        assert_frame_equal(now(warehouse, cik=cik), told[-1])
        assert versions(warehouse, cik) == {row for facts in told for row in facts.rows()}
        for day in range(len(order)):
            newest = told[max(order[: day + 1])]
            known = now(warehouse, START.date() + timedelta(days=day), cik)
            known = known.filter(pl.col("accession").is_in(newest["accession"].implode()))
            assert_frame_equal(known, newest)

    check()


@pytest.mark.thorough
def test_real_answers_in_every_order_end_in_the_same_state(
    warehouse: Warehouse, shared_data: Path
) -> None:
    """Three captures of one company: state, and what was first told, are the same in all orders."""
    corpus = shared_data.parent / "corpus" / "companyfacts"
    files = [
        *sorted((corpus / "vintages").glob("CIK0000001800*.gz")),
        corpus / "CIK0000001800.json.gz",
    ]
    if len(files) < 3 or not all(file.exists() for file in files):
        pytest.skip("the corpus is not beside this checkout")
    bodies = [gzip.decompress(file.read_bytes()) for file in files]
    newest = decode_facts(bodies[-1]).facts.drop("cik").sort(FACTS.key[1:])
    first: pl.DataFrame | None = None
    for cik, order in enumerate(itertools.permutations(bodies), 11):
        load(warehouse, [body.replace(b'"cik":1800', b'"cik":%d' % cik, 1) for body in order])
        assert_frame_equal(now(warehouse, cik=cik).drop("cik"), newest)
        told = now(warehouse, BEFORE, cik).drop("cik")
        first = told if first is None else first
        assert_frame_equal(told, first)
