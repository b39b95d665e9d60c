"""The filing grade: facts, filings and companies in; scores and findings out.

Pure and set-wise: the number of Polars operations does not depend on how many filings there are,
but for one round per 600,000 facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.evaluate import Evaluated, evaluate
from core.domain.quality.facts.packing import as_index
from core.domain.quality.facts.standing import with_stand_ins
from core.domain.quality.facts.table import PeriodTable, latest, open_book
from core.domain.quality.model import Ruleset, default_ruleset
from core.domain.quality.rules.evidence import used
from core.domain.quality.rules.presence import factless
from core.domain.quality.score import scores
from core.domain.quality.words import FindingText, messages, same, with_columns_from

BATCH_FACTS = 600_000
MOST_PER_RULE = 5  # findings of one rule that one filing keeps: the worst
SCORE_COLUMNS = (
    "cik", "company", "accession", "form", "filed", "period_end", "score", "grade",
    "coverage_pct", "critical", "major", "minor", "info", "required_score", "identity_score",
    "duplicate_score", "missing_score", "complexity_score", "style", "facts", "concepts",
    "raw_score", "passed", "evaluable", "reason", "ruleset", "input_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Graded:
    """scores: one row a filing. findings: one row a failure. judged: (filing, rule, ok).

    items: the facts chosen for the standard items of every filing. kept: cik and accession of the
    filings that a change cannot reach: the other frames say nothing of them, their grades stand.
    What is neither in `scores` nor kept has no grade.
    """

    ruleset: str
    scores: pl.DataFrame
    findings: pl.DataFrame
    judged: pl.DataFrame
    items: pl.DataFrame
    kept: pl.DataFrame


def grade(
    facts: pl.DataFrame,
    filings: pl.DataFrame,
    companies: pl.DataFrame,
    *,
    as_of: date | None = None,
    rules: Ruleset | None = None,
    only: Collection[str] | None = None,
    changed: pl.DataFrame | None = None,
    last: date | None = None,
) -> Graded:
    """Grades of all filings in FACTS, FILINGS, COMPANIES, as known on `as_of` (default: all).

    `only` limits the rules (for measuring); scores then rest on those alone. `changed` (columns of
    CHANGED) limits the filings to those that a change can reach; the frames hold all of their
    companies. `last` is the day up to which anything is known, where the frames are a part of more.
    """
    rules = rules or default_ruleset()
    last = last or as_of or latest(facts, filings)
    parts = [
        _grade(open_book(*batch, rules, as_of, last, changed), only)
        for batch in _batches(facts, filings, companies)
    ]
    names = ("scores", "findings", "judged", "items", "kept")
    return Graded(rules.id, *(pl.concat([getattr(p, name) for p in parts]) for name in names))


def _batches(
    facts: pl.DataFrame, filings: pl.DataFrame, companies: pl.DataFrame
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
    """The frames by whole companies, so that time and memory grow no faster than the facts."""
    if facts.height <= BATCH_FACTS:
        yield facts, filings, companies
        return
    runs = facts["cik"].rle().struct.unnest()  # few, for facts come a company at a time
    sizes = runs.group_by(cik="value", maintain_order=True).agg(pl.col("len").sum())
    before = pl.col("len").cum_sum() - pl.col("len")
    parts = sizes.select("cik", part=before // BATCH_FACTS)
    yield from zip(*(_split(frame, parts) for frame in (facts, filings, companies)), strict=True)


def _split(frame: pl.DataFrame, parts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of each part, in their order; slices where the companies come in that order."""
    rows = frame.select("cik").join(parts, on="cik", how="left", maintain_order="left")
    part = rows["part"].cast(pl.Int64).fill_null(-1).to_numpy()
    order = None if (np.diff(part) >= 0).all() else np.argsort(part, kind="stable")
    part = part if order is None else part[order]
    for number in parts["part"].unique(maintain_order=True):
        first, last = np.searchsorted(part, (number, number + 1))
        yield frame.slice(first, last - first) if order is None else frame[order[first:last]]


def _grade(book: PeriodTable, only: Collection[str] | None) -> Graded:
    """Grades of all filings of a book."""
    evaluated = evaluate(book, only)
    table = scores(book, evaluated)
    table = with_columns_from(
        table,
        company="name",
        ruleset=same(book.rules.id, table.height),
        input_hash=input_hashes(book),
    )
    rated = table[list(SCORE_COLUMNS)]
    judged = book.beside(evaluated.outcome.frame(), "cik", "accession")
    judged = judged[["cik", "accession", "rule", "ok"]]
    found = findings(book, evaluated)
    empty = without_facts(book)
    if not empty.is_empty() and (only is None or "Q44" in only):
        lost = empty.select("cik", "accession", rule=pl.lit("Q44"), ok=pl.lit(value=False))
        rated = pl.concat([rated, _unrated(empty, rated, book.rules)])
        found = pl.concat([found, _announced(empty, found, book.rules)])
        judged = pl.concat([judged, lost])
    kept = book.filings[["cik", "accession"]].filter(~book.affected)
    return Graded(book.rules.id, rated, found, judged, chosen_items(book), kept)


LACKING = "The {form} filed on {filed} is marked XBRL, but none of its facts are there"
LEFT_OUT = ", though those of later filings are: the SEC's answer leaves it out."
TOO_OLD = (
    ": our facts of the company end with {facts_end}, before it, and may only not have been pulled "
    "since."
)


def without_facts(book: PeriodTable) -> pl.DataFrame:
    """Q44: the factless XBRL reports of companies that have facts, one message each.

    Companies without any facts are left out: theirs are not pulled yet.
    """
    empty = factless(book)
    if empty.is_empty():
        return empty
    empty = empty.join(book.filings.group_by("cik").agg(facts_end=pl.col("filed").max()), on="cik")
    passed = pl.col("facts_end") > pl.col("filed")
    said = [
        FindingText(empty.filter(passed), f"{LACKING}{LEFT_OUT}"),
        FindingText(empty.filter(~passed), f"{LACKING}{TOO_OLD}"),
    ]
    told = zip(said, messages(said), strict=True)
    return pl.concat(with_columns_from(one.frame, message=text) for one, text in told)


def _unrated(empty: pl.DataFrame, scores: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """NR rows, of the columns of `scores`, for filings without facts."""
    rows = empty.select(
        "cik", "accession", "form", "filed", "style", company="name", period_end="report_date",
        grade=pl.lit("NR"), coverage_pct=pl.lit(0.0), major=pl.lit(1), facts=pl.lit(0),
        concepts=pl.lit(0), reason=pl.lit("not rated: marked XBRL, but without facts"),
        critical=pl.lit(0), minor=pl.lit(0), info=pl.lit(0),
    )  # fmt: skip
    return _like(with_columns_from(rows, ruleset=same(rules.id, rows.height)), scores)


def _announced(empty: pl.DataFrame, found: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    severity = pl.lit(rules.rules["Q44"].severity)
    rows = empty.select(
        "cik", "accession", "message", rule=pl.lit("Q44"), severity=severity,
        period_end="report_date",
    )  # fmt: skip
    return _like(rows, found)


def _like(rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns and types of a frame; what they lack is null."""
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in frame.schema.items()
    )


def chosen_items(book: PeriodTable) -> pl.DataFrame:
    """cik, accession, item and the fact (key and value) that stands for it, per period."""
    rows, place = with_stand_ins(book, np.flatnonzero(book.affected[book.fid]))
    long = book.long[["months", "own", "row"]][as_index(rows)]
    item = pl.Series("item", list(book.rules.items), pl.String)[as_index(place)]
    facts = book.facts[["fid", "period_start", "period_end", "value", "seq"]][long["row"]]
    # texts from the small tables: from the facts they take five times as long
    filing = book.filings[["cik", "accession"]][facts["fid"]]
    measure = as_index(book.number[long["row"].to_numpy()])
    return pl.DataFrame([
        item, long["months"].cast(pl.Int32), long["own"], *filing,
        *book.measures[["taxonomy", "concept", "unit"]][measure], *facts.drop("fid"),
    ])  # fmt: skip


def input_hashes(book: PeriodTable) -> pl.Series:
    """Of each filing to judge two numbers over its facts, whatever their order."""
    facts, fid = book.facts[HASHED], book.facts["fid"].to_numpy()
    if book.changed is not None:
        rows = np.flatnonzero(book.affected[fid])
        facts, fid = facts[as_index(rows)], fid[rows]
    mixed = facts.select(pl.struct(HASHED).hash(seed=SEED)).to_series().to_numpy()
    both = np.zeros((2, book.filings.height), np.uint64)
    np.add.at(both[0], fid, mixed)
    np.bitwise_xor.at(both[1], fid, mixed)
    some = both[:, book.affected]
    total, other = (pl.Series("input_hash", number).cast(pl.String) for number in some)
    return total + "-" + other


SEED = 20260101
HASHED = ["taxonomy", "concept", "unit", "period_start", "period_end", "value", "seq"]


def findings(book: PeriodTable, evaluated: Evaluated) -> pl.DataFrame:
    """cik, accession, rule, severity, message, period, the two numbers, tolerance, facts."""
    failed = _worst(evaluated.outcome.failed)
    told = book.beside(failed, "cik", "accession").hstack([used(book, failed)])
    return told.select(_finding(book.rules))


@lru_cache(maxsize=4)
def _finding(rules: Ruleset) -> list[pl.Expr]:
    """The columns of findings."""
    levels = {name: rule.severity for name, rule in rules.rules.items()}
    named = {"tolerance": "tolerance", "period_start": "start", "period_end": "end"}
    return [
        *(pl.col(name) for name in ("cik", "accession", "rule")),
        pl.col("rule").replace(levels).alias("severity"),
        *(pl.col(name) for name in ("message", "expected", "actual")),
        (pl.col("actual") - pl.col("expected")).alias("difference"),
        *(pl.col(column).alias(name) for name, column in named.items()), pl.col("facts"),
    ]  # fmt: skip


def _worst(failed: pl.DataFrame) -> pl.DataFrame:
    if failed.is_empty():
        return failed
    gap = (pl.col("actual") - pl.col("expected")).abs()
    relative = gap / pl.col("expected").abs().clip(1.0)
    ranked = failed.sort(
        ["fid", "rule", relative, "end", "start", "message"],
        descending=[False, False, True, True, False, False],
        maintain_order=True,  # basic and diluted figures may read the same
    )
    fid, rule = ranked["fid"], ranked["rule"]
    other = (fid[1:] != fid[:-1]) | (rule[1:] != rule[:-1])
    place = np.arange(ranked.height)
    first = np.maximum.accumulate(np.where(np.append(True, other.to_numpy()), place, 0))
    return ranked[np.flatnonzero(place - first < MOST_PER_RULE)]
