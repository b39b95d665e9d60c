"""The status of every filing from day to day: what stands beside its grade."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from core.domain.quality.model import Ruleset, default_ruleset
from core.domain.quality.revision.signs import SIGNS, signs
from core.domain.quality.status import amended, restated, withdrawn, wording
from core.domain.quality.status import reports as listing
from core.domain.quality.status.names import (
    AMENDED,
    AS_FILED,
    STATUSES,
    SUPERSEDED,
    WITHDRAWN,
)
from core.domain.quality.status.reports import KEY
from core.domain.quality.status.retold import Retold, retold

BATCH_FACTS = 250_000
STATUS = {
    "cik": pl.Int64, "accession": pl.String, "since": pl.Date, "status": pl.String,
    "reason": pl.String, "by_accession": pl.String,
}  # fmt: skip
CHANGES = {
    "cik": pl.Int64, "accession": pl.String, "headline": pl.String, "concept": pl.String,
    "unit": pl.String, "period_start": pl.Date, "period_end": pl.Date, "old": pl.Float64,
    "new": pl.Float64, "by_accession": pl.String, "by_form": pl.String, "told_on": pl.Date,
}  # fmt: skip
_EVENT = {
    "rid": pl.Int64, "status": pl.String, "since": pl.Date, "until": pl.Date, "by": pl.Int64,
    "notice": pl.Int64, "inferred": pl.String, "count": pl.Int64, "of": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statuses:
    """timeline: one row a filing and day on which its status or the reason changed (STATUS). A
    day may be yet to come: what is only inferred for the time being ends then.

    changes: headlines that a later filing told with another value (CHANGES), as they came; told
    with the first value again, `new` is the old one.

    signs: how the figures of each report's company held, as known on its day (SIGNS).
    """

    timeline: pl.DataFrame
    changes: pl.DataFrame
    signs: pl.DataFrame

    def latest(self) -> pl.DataFrame:
        """The last status of each filing (columns of STATUS)."""
        return self.timeline.sort("since").unique(KEY, keep="last", maintain_order=True)


def statuses(
    facts: pl.DataFrame,
    filings: pl.DataFrame,
    *,
    as_of: date | None = None,
    rules: Ruleset | None = None,
) -> Statuses:
    """What became of all filings in FACTS and FILINGS, as known on `as_of` (default: all).

    Filings with facts are told of, and of those without the reports that something happened to, or
    that are marked XBRL: they are graded, where their company has facts. The frames hold all of
    their companies' facts and filings; an answer rests on them alone.
    """
    rules = rules or default_ruleset()
    if as_of is not None:
        facts, filings = (frame.filter(pl.col("filed") <= as_of) for frame in (facts, filings))
    parts = [_statuses(*batch, rules) for batch in batches(facts, filings)]
    timeline = pl.concat([pl.DataFrame(schema=STATUS), *(part.timeline for part in parts)])
    if as_of is not None:
        timeline = timeline.filter(pl.col("since") <= as_of)
    changes = pl.concat([pl.DataFrame(schema=CHANGES), *(part.changes for part in parts)])
    known = pl.concat([pl.DataFrame(schema=SIGNS), *(part.signs for part in parts)])
    return Statuses(timeline, changes, known)


def batches(
    facts: pl.DataFrame, filings: pl.DataFrame
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The frames by whole companies, a quarter of a million facts at a time."""
    sizes = pl.concat([facts.select("cik"), filings.select("cik").unique()])
    sizes = sizes.group_by("cik").len().sort("cik")
    parts = sizes.select("cik", part=(pl.col("len").cum_sum() - pl.col("len")) // BATCH_FACTS)
    if parts["part"].n_unique() <= 1:
        yield facts, filings
        return
    for _, some in parts.group_by("part", maintain_order=True):
        chosen = pl.col("cik").is_in(some["cik"].implode())
        yield facts.filter(chosen), filings.filter(chosen)


def _statuses(facts: pl.DataFrame, filings: pl.DataFrame, rules: Ruleset) -> Statuses:
    stated = listing.stated(facts)
    rows = listing.reports(stated, filings)
    told = retold(stated, rows, rules)
    given = withdrawn.notices(filings)
    events = _events(rows, told, given)
    changes = _changes(rows, told)
    bare = rows.filter(~pl.col("filing").is_in(stated.filing.unique().implode()))
    graded = pl.col("marked") & pl.col("cik").is_in(stated.facts["cik"].unique().implode())
    quiet = bare.filter(~graded).join(events, on="rid", how="anti")
    days = _by_day(rows, events).join(quiet, on="rid", how="anti")
    timeline = wording.told(days, rows, given, changes)
    known = signs(rows, told, stated)
    return Statuses(timeline.select(list(STATUS)), changes.select(list(CHANGES)), known)


def _events(rows: pl.DataFrame, told: Retold, given: pl.DataFrame) -> pl.DataFrame:
    """Columns of _EVENT: what happened to filings, and until when it stood."""
    made, replaced = amended.amendments(rows, told), amended.replacements(rows)
    days = rows.select(by="rid", since="filed")
    parts = [
        withdrawn.withdrawn(rows, told, made, replaced, given).with_columns(
            status=pl.lit(WITHDRAWN)
        ),
        made.join(days, on="by").with_columns(status=pl.lit(AMENDED)),
        replaced.join(days, on="by").with_columns(status=pl.lit(SUPERSEDED)),
        restated.headlines(told),
        restated.many(told),
    ]
    none = [pl.DataFrame(schema=_EVENT)]
    return pl.concat([*none, *parts], how="diagonal").select(list(_EVENT))


def _by_day(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """One row a filing and day from which another event of it counts most; _EVENT's columns.

    Of events of a kind the first counts; of withdrawals the one that is best inferred.
    """
    born = rows.select("rid", day="filed")
    days = pl.concat([
        born, events.select("rid", day="since"),
        events.filter(pl.col("until").is_not_null()).select("rid", day="until"),
    ]).unique()  # fmt: skip
    always = rows.select("rid", since="filed", status=pl.lit(AS_FILED))
    every = pl.concat([pl.DataFrame(schema=_EVENT), events, always], how="diagonal")
    rank = pl.col("status").replace_strict(dict(zip(STATUSES, range(5), strict=True)))
    sure = (pl.col("inferred") != "year").fill_null(value=False)
    every = every.with_columns(rank=rank, sure=sure).with_row_index("event")
    active = days.join(every, on="rid").filter(
        pl.col("since") <= pl.col("day"), (pl.col("day") < pl.col("until")).fill_null(value=True)
    )
    order = ["rid", "day", "rank", "sure", "since", "event"]
    best = active.sort(order, descending=[False, False, True, True, False, False]).unique(
        ["rid", "day"], keep="first", maintain_order=True
    )
    anew = pl.col("event").ne_missing(pl.col("event").shift(1).over("rid"))
    return best.filter(anew).with_columns(since="day")


def _changes(rows: pl.DataFrame, told: Retold) -> pl.DataFrame:
    """Columns of CHANGES, with rid and by."""
    steps = told.steps.filter(pl.col("headline").is_not_null())
    of = rows.select(*KEY, "rid")
    by = rows.select(by="rid", by_accession="accession", by_form="form")
    named = steps.join(of, on="rid").join(by, on="by").rename({"day": "told_on"})
    return named.sort(
        "rid", "told_on", "headline", "period_end", "period_start", "by", "concept", "unit"
    )
