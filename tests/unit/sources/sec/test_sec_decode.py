"""companyfacts answers as frames: the fast way, the general way, and what neither can read."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core.domain.tables.frames import FACTS, check
from core.errors import ParsingError
from core.sources.sec import columns as sec_columns
from core.sources.sec.decode import decode_facts

FACT = {
    "end": "2020-12-31",
    "val": 1,
    "accn": "0000000007-21-000001",
    "fy": 2020,
    "fp": "FY",
    "form": "10-K",
    "filed": "2021-02-02",
}


def body(*facts: Any, unit: str = "USD", cik: Any = 7, **more: Any) -> bytes:
    """A companyfacts answer with one concept."""
    concept = {"label": None, "description": None, "units": {unit: list(facts)}}
    document = {"cik": cik, "entityName": "X", "facts": {"us-gaap": {"Assets": concept}}}
    return json.dumps(document | more, separators=(",", ":")).encode()


def naive(answer: bytes) -> pl.DataFrame:
    """The same rows the slow and obvious way."""
    document = json.loads(answer)
    rows = [
        {"taxonomy": taxonomy, "concept": concept, "unit": unit} | fact
        for taxonomy, concepts in document["facts"].items()
        for concept, what in concepts.items()
        for unit, facts in what["units"].items()
        for fact in facts
    ]
    names = ("taxonomy", "concept", "unit", "start", "end", "accn", "fp", "form", "filed", "frame")
    schema = dict.fromkeys(names, pl.String) | {"val": pl.Float64, "fy": pl.Int32}
    frame = pl.DataFrame(rows, schema=schema)
    renamed = {
        "start": "period_start",
        "end": "period_end",
        "val": "value",
        "accn": "accession",
        "fy": "fiscal_year",
        "fp": "fiscal_period",
    }
    return frame.with_columns(
        pl.col("start", "end", "filed").str.to_date(), cik=pl.lit(int(document["cik"]), pl.Int64)
    ).rename(renamed)


@pytest.mark.thorough
def test_every_fact_of_every_captured_company_is_read_as_it_stands(shared_data: Path) -> None:
    """18 companies, 370,651 facts, each cell equal to a naive reading."""
    total = 0
    for path in sorted((shared_data / "sec" / "companyfacts").glob("*.gz")):
        answer = gzip.decompress(path.read_bytes())
        company = decode_facts(answer, int(path.name[3:13]))
        expected = naive(answer)
        check(company.facts, FACTS)
        assert_frame_equal(company.facts.drop("seq"), expected.select(company.facts.columns[:-1]))
        assert company.facts["seq"].max() == 0
        assert company.read == company.hashes["facts"].sum() == expected.height
        assert company.rejects.is_empty()
        total += company.read
    assert total == 370_651


@pytest.mark.parametrize("layout", [{"indent": 1}, {"separators": (", ", ": ")}])
def test_the_layout_of_the_json_does_not_matter(layout: dict[str, Any]) -> None:
    """Spaced and indented documents give the same facts as compact ones."""
    compact = body(FACT, FACT | {"start": "2020-01-01", "frame": "CY2020"})
    other = json.dumps(json.loads(compact), **layout).encode()
    assert_frame_equal(decode_facts(other).facts, decode_facts(compact).facts)


def test_a_layout_that_changes_within_an_array_loses_nothing() -> None:
    """Facts written with spaces between facts without."""
    compact = body(FACT | {"start": "2020-01-01"}, FACT)
    mixed = compact.replace(b'"val":1,', b'"val": 1 ,', 1)
    late = b'": '.join(compact.rsplit(b'":', 7))
    comma = b", ".join(compact.rsplit(b",", 3))
    for answer in (mixed, late, comma):
        assert_frame_equal(decode_facts(answer).facts, decode_facts(compact).facts)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_the_fast_way_knows_the_layout_of_the_sec(separators: tuple[str, str]) -> None:
    """It does not fall back for a plain answer, nor for one with spaces."""
    facts = [FACT, {"start": "2020-01-01"} | FACT | {"frame": "CY2020"}]
    raw = json.dumps(facts, separators=separators).encode()
    assert sec_columns._fast([memoryview(raw)]).frame.height == 2


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
PLAIN = st.sampled_from(["10-K", "20-F", "DEF 14A", "8-K/A", "", "a,b", "{", "},{", '"', "\\", "é"])
FACTS_STRATEGY = st.fixed_dictionaries(
    {
        "end": st.dates(date(1950, 1, 1), date(2050, 1, 1)).map(str),
        "val": st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False),
        "accn": st.sampled_from(["0000000007-21-000001", "0000000007-21-000002", "odd"]),
        "fy": st.none() | st.integers(1990, 2050),
        "fp": st.none() | st.sampled_from(["FY", "Q1"]),
        "form": PLAIN | TEXT | st.none(),
        "filed": st.dates(date(1990, 1, 1), date(2050, 1, 1)).map(str),
    },
    optional={"start": st.dates(date(1950, 1, 1), date(2050, 1, 1)).map(str), "frame": PLAIN},
)


def _ordered(fact: dict[str, Any]) -> dict[str, Any]:
    order = ("start", "end", "val", "accn", "fy", "fp", "form", "filed", "frame")
    return {name: fact[name] for name in order if name in fact}


@given(st.lists(FACTS_STRATEGY.map(_ordered), min_size=1, max_size=8))
def test_any_valid_facts_are_read_as_a_naive_reader_would(facts: list[dict[str, Any]]) -> None:
    """Escapes, braces and commas in texts, huge numbers and nulls included."""
    answer = body(*facts)
    company = decode_facts(answer)
    columns = ["period_start", "period_end", "value", "accession", "form", "filed", "frame"]
    assert_frame_equal(company.facts.select(columns), naive(answer).select(columns))
    key = company.facts.select(FACTS.key)
    assert key.n_unique() == key.height


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(JUNK | st.just(FACT), max_size=6))
def test_nothing_in_an_array_of_facts_raises(items: list[Any]) -> None:
    """Each item becomes a fact or a reject; none is lost."""
    company = decode_facts(body(*items))
    assert company.facts.height + company.rejects.height == company.read == len(items)
    check(company.facts, FACTS)


def test_a_fact_stated_twice_by_one_filing_is_numbered() -> None:
    """seq counts repeats of the whole key, not of other filings."""
    other = FACT | {"accn": "0000000007-22-000001"}
    assert decode_facts(body(FACT, other, FACT)).facts["seq"].to_list() == [0, 0, 1]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"val": None}, "value"),
        ({"val": "12"}, "value"),
        ({"end": "2020-13-01"}, "period_end"),
        ({"accn": None}, "accession"),
        ({"filed": ""}, "filed"),
        ({"start": "2020-02-30"}, "period_start"),
        ({"start": "soon"}, "period_start"),
        ({"start": 5}, "period_start"),
    ],
)
def test_a_fact_that_cannot_be_read_is_rejected_with_its_reason(
    change: dict[str, Any], column: str
) -> None:
    """The row as delivered, its number and the column are kept; the others are loaded."""
    company = decode_facts(body(FACT, FACT | change))
    assert company.facts.height == 1
    reject = company.rejects.row(0, named=True)
    assert (reject["row_number"], reject["column_name"]) == (2, column)
    assert json.loads(reject["raw"]) == FACT | change


def test_a_start_that_is_null_is_an_instant() -> None:
    """As one that is not stated."""
    assert decode_facts(body({"start": None} | FACT)).facts["period_start"].to_list() == [None]


@pytest.mark.parametrize("start", ["2020-02-30", "2019-00-10", "20x0-01-01", "2020/01/01"])
def test_the_fast_way_does_not_take_a_bad_start_for_an_instant(start: str) -> None:
    """In its own layout, with start first, as the SEC writes it."""
    company = decode_facts(body({"start": start} | FACT, FACT))
    assert company.facts.height == 1
    assert company.rejects["column_name"].to_list() == ["period_start"]


def test_companies_of_any_kind_are_read() -> None:
    """IFRS, odd units, a CIK as text, null labels, no facts at all."""
    assert decode_facts(body(FACT, unit="EUR/shares", cik="0000000007")).facts["cik"][0] == 7
    assert decode_facts(b'{"cik":1,"entityName":"","facts":{}}').facts.is_empty()
    assert decode_facts(b'{"cik":1,"facts":{"t":{"c":{"units":{"u":[]}}}}}').read == 0


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b"", b'{"cik":1,"facts":[]}', b'{"cik":"x"}', b'{"cik":1', b"<html>"]
)
def test_what_is_not_companyfacts_is_refused(answer: bytes) -> None:
    """With what is wrong and where it came from."""
    with pytest.raises(ParsingError, match="example/path"):
        decode_facts(answer, where="example/path")


def test_facts_of_another_company_are_refused() -> None:
    """A mix-up upstream does not get into the store."""
    with pytest.raises(ParsingError, match="CIK 7 came instead of those of 8"):
        decode_facts(body(FACT), 8)


def test_concepts_with_a_known_hash_are_not_read_again() -> None:
    """Their facts count as skipped."""
    first = decode_facts(body(FACT))
    known = {("us-gaap", "Assets"): (first.hashes["hash"][0], 1)}
    again = decode_facts(body(FACT), known=known)
    assert (again.facts.height, again.skipped, again.read) == (0, 1, 1)
    assert_frame_equal(again.hashes, first.hashes)
