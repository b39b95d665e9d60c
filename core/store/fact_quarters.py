"""Facts of a quarter of the data sets in the store: adding them, and mending an earlier load.

companyfacts has exact periods and is preferred: of a filing that it tells for a company, a quarter
adds nothing. What an earlier load of a quarter stored and the quarter does not state is taken back
to the history: as misread where it was a part that was taken for the company's, as a correction
where the quarter says it otherwise now. The same fact under another number is no change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core.domain.filings.facts import coded
from core.domain.tables.frames import FACTS
from core.store.fact_codes import append_rows
from core.store.fact_merge import Corrections, FactCounts, drop_facts, note_upstream
from core.store.transaction import Transaction

_FILING = ["cik", "accession"]
_NAMED = [name for name in FACTS.key if name != "seq"]
_SAID = [*_NAMED, "value"]
_FROM = (
    "pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = '{}') "
    "AND accession IN (SELECT unnest(?))"
)
_MISREAD = f"""
UPDATE facts_history SET reason = 'misread' WHERE rowid IN (
    SELECT h.rowid FROM facts_history h SEMI JOIN {{0}} s
    ON {" AND ".join(f"h.{name} IS NOT DISTINCT FROM s.{name}" for name in _SAID)}
    WHERE h.pull_id IN (SELECT pull_id FROM fact_pulls WHERE upstream = 'fsds'))
"""


@dataclass(frozen=True, slots=True)
class QuarterCounts:
    """What storing a quarter did; `misread` rows had been stored and never were the company's."""

    facts: FactCounts
    misread: int


def write_quarter(
    tx: Transaction,
    facts: pl.DataFrame,
    parts: Callable[[], pl.DataFrame],
    pull_id: str,
    now: datetime,
) -> QuarterCounts:
    """Store the facts (FACTS) of a quarter within the transaction.

    `parts` gives the rows of the quarter that are not the company's, in the columns of FACTS; it is
    asked only where an earlier load has to be mended.
    """
    accessions = facts["accession"].unique().to_list()
    held = tx.read(
        f"SELECT DISTINCT cik, accession FROM facts WHERE {_FROM.format('companyfacts')}",
        [accessions],
    )
    before = tx.read(f"SELECT * FROM facts WHERE {_FROM.format('fsds')}", [accessions])
    columns = list(FACTS.columns)
    stale = before.join(facts, on=columns, how="anti", nulls_equal=True)
    wanted = facts.join(held, on=_FILING, how="anti")
    new = wanted.join(before, on=columns, how="anti", nulls_equal=True)
    of_parts = _of_parts(tx, parts(), facts) if before.height else facts.select(_SAID).clear()
    judged = _judged(stale, facts, new, of_parts, held)
    _take_back(tx, stale, judged, pull_id, now)
    note_upstream(tx, pull_id, "fsds")
    for (instant,), rows in _since(new, judged).group_by("since", maintain_order=True):
        append_rows(tx, coded(rows.select(columns)), pull_id, instant or now)
    changed = stale.join(new, on=list(FACTS.key), how="semi", nulls_equal=True).height
    counts = FactCounts(
        new.height - changed, changed, facts.height - new.height, stale.height - changed,
        corrections=_corrections(judged, new),
    )  # fmt: skip
    return QuarterCounts(counts, judged.filter(kind="part").height)


def _of_parts(tx: Transaction, parts: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """What only parts state (_SAID); what the history has of it is marked as misread."""
    old = parts.select(_SAID).unique().join(facts, on=_SAID, how="anti", nulls_equal=True)
    with tx.registered(old) as source:
        tx.execute(_MISREAD.format(source))
    return old


def _judged(
    stale: pl.DataFrame,
    facts: pl.DataFrame,
    new: pl.DataFrame,
    parts: pl.DataFrame,
    held: pl.DataFrame,
) -> pl.DataFrame:
    """`stale` with the kind of each row: part, again (under another number), corrected, or twice
    or other where companyfacts tells the filing. A corrected row bears the number of its successor.
    """
    named_alike = [name for name in FACTS.columns if name != "seq"]
    judged = _marked(stale, "part", parts, _SAID)
    judged = _marked(judged, "again", facts, named_alike)
    judged = _marked(judged, "said", facts, _SAID)
    judged = _marked(judged, "held", held, _FILING)
    kind = (
        pl.when("part").then(pl.lit("part"))
        .when("again").then(pl.lit("again"))
        .when(pl.col("held").is_null() & pl.col("removed_at").is_null())
        .then(pl.lit("corrected"))
        .when("said").then(pl.lit("twice"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip
    judged = judged.with_columns(kind=kind).drop("part", "again", "said", "held")
    corrected = judged.filter(kind="corrected")
    return pl.concat([judged.filter(pl.col("kind") != "corrected"), _numbered(corrected, new)])


def _marked(rows: pl.DataFrame, name: str, among: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """`rows` with a column `name`: true where `among` has their values of `on`, else null."""
    seen = among.select(on).unique().with_columns(pl.lit(True).alias(name))
    return rows.join(seen, on=on, how="left", nulls_equal=True)


def _numbered(corrected: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Each with the number of what says the same now, or of what alone stands for it alone."""
    same = new.unique(_SAID, keep="first").select(*_SAID, same="seq")
    sole = new.filter(pl.len().over(_NAMED) == 1).select(*_NAMED, sole="seq")
    found = corrected.join(same, on=_SAID, how="left", nulls_equal=True)
    found = found.join(sole, on=_NAMED, how="left", nulls_equal=True)
    alone = pl.when(pl.len().over(_NAMED) == 1).then("sole")
    number = pl.coalesce("same", alone, "seq").cast(corrected.schema["seq"])
    return found.with_columns(seq=number).drop("same", "sole")


def _take_back(
    tx: Transaction, stale: pl.DataFrame, judged: pl.DataFrame, pull_id: str, now: datetime
) -> None:
    """Move what is no longer stated to the history; the same under another number is not told."""
    if stale.is_empty():
        return
    reasons = {"part": "misread", "twice": "misread", "corrected": "correction"}
    told = judged.filter(pl.col("kind") != "again").with_columns(
        reason=pl.col("kind").replace_strict(reasons, default=None, return_dtype=pl.String),
        replaced_at=pl.coalesce("removed_at", pl.lit(now).cast(pl.Datetime("us", "UTC"))),
        replaced_by=pl.lit(pull_id),
    )
    tx.insert("facts_history", told.drop("removed_at", "kind"))
    drop_facts(tx, stale.select(list(FACTS.columns)))


def _since(new: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """`new` with `since`: what stands for something misread was there to be read from the first;
    null where the quarter says it only now.
    """
    misread = judged.filter(pl.col("kind").is_in(["part", "again", "twice"]))
    since = misread.group_by(_NAMED).agg(since=pl.col("known_from").min())
    found = new.join(since, on=_NAMED, how="left", nulls_equal=True)
    corrected = judged.filter(kind="corrected").select(*FACTS.key, now=pl.lit(True)).unique()
    found = found.join(corrected, on=list(FACTS.key), how="left", nulls_equal=True)
    return found.with_columns(since=pl.when(pl.col("now").is_null()).then("since"))


def _corrections(judged: pl.DataFrame, new: pl.DataFrame) -> Corrections:
    """What the quarter says otherwise of filings that it told before."""
    key = list(FACTS.key)
    both = judged.filter(kind="corrected").join(
        new, on=key, how="inner", nulls_equal=True, suffix="_now"
    )

    def other(*names: str) -> int:
        differs = (pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in names)
        return both.filter(pl.any_horizontal(*differs)).height

    return Corrections(
        values=other("value"), labels=other("fiscal_year", "fiscal_period"),
        filings=other("form", "filed"),
    )  # fmt: skip
