"""When a filing was accepted: which instants of EDGAR are clock times of New York labelled UTC.

Two things prove a clock. EDGAR takes filings from 6:00 to 22:00 Eastern on working days; and what
it accepts after 17:30 is filed on the next working day (ownership reports and, since 2024, stakes
until 22:00 on the same). A filing that fits one reading only is proven by itself; one that fits
both follows the nearest proven ones of its company.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

from core.domain.timetable.sessions import all_sessions

FIRST_YEAR = 2002  # before, instants are dates only
NEAREST = 2  # proven filings before, and as many after, that judge an unproven one
LEAST_PROOFS = 2
KEY = ("cik", "accession")
_CUT_OFF, _GRACE = 17 * 60 + 30, 15  # minutes; what began by the cut-off is accepted a little later
_OPENS, _CLOSES = 6 * 60 - 5, 22 * 60 + 5
_STAFF = r"^(UPLOAD|CORRESP|CT ORDER|NO ACT|EFFECT|REGDEX|DRSLTR|SEC STAFF|CERT|LETTER|25-NSE)"
_UNTIL_TEN = r"^([345]|144|(SC|SCHEDULE) 13[DG]|S-\d+MEF)(/A)?$"
Reading = Literal["eastern", "utc"]


def eastern_labelled(filings: pl.DataFrame) -> pl.DataFrame:
    """cik and accession of filings whose `accepted_at` is an Eastern clock time labelled UTC.

    Needs cik, accession, form, filed, accepted_at.
    """
    label = pl.col("accepted_at")
    odd = filings.filter(label.dt.hour().is_between(2, 10) | _filed_later(label))
    if not odd.is_empty():
        odd = _proofs(odd).filter(pl.col("proof") > 0)
    if odd.is_empty():
        return odd.select(KEY)
    suspects = odd["cik"].unique()
    judged = _proofs(filings.filter(pl.col("cik").is_in(suspects.implode())))
    return _judged(judged).filter("eastern").select(KEY).sort(KEY)


def _filed_later(label: pl.Expr) -> pl.Expr:
    """Only such a filing, or one of the early hours, can prove a clock to be Eastern."""
    return label.dt.hour().is_between(17, 22) & (pl.col("filed") > label.dt.date())


def with_true_clock(filings: pl.DataFrame, eastern: pl.DataFrame | None = None) -> pl.DataFrame:
    """Filings with `accepted_at` moved to UTC where its clock is Eastern.

    `eastern` are the rows of `eastern_labelled`; by default judged on these filings.
    """
    labelled = eastern_labelled(filings) if eastern is None else eastern
    if labelled.is_empty():
        return filings
    marked = filings.join(
        labelled.with_columns(_eastern=pl.lit(value=True)),
        on=KEY,
        how="left",
        maintain_order="left",
    )
    moved = pl.when("_eastern").then(_moved()).otherwise("accepted_at")
    return marked.with_columns(accepted_at=moved).drop("_eastern")


def _moved() -> pl.Expr:
    clock = pl.col("accepted_at").dt.replace_time_zone(None)
    eastern = clock.dt.replace_time_zone(
        "America/New_York", ambiguous="earliest", non_existent="null"
    )
    return pl.coalesce(eastern.dt.convert_time_zone("UTC"), pl.col("accepted_at"))


def _proofs(filings: pl.DataFrame) -> pl.DataFrame:
    """Filings with `proof`: 1 only the Eastern reading fits, -1 only UTC, 0 neither is proven."""
    label = pl.col("accepted_at")
    known = label.is_not_null() & (pl.col("filed").dt.year() >= FIRST_YEAR)
    timed = filings.filter(known).select(*KEY, "form", "filed", "accepted_at")
    timed = timed.with_columns(
        eastern=label.dt.replace_time_zone(None),
        utc=label.dt.convert_time_zone("America/New_York").dt.replace_time_zone(None),
        late=pl.col("form").str.contains(_UNTIL_TEN),
    )
    eastern, utc = _hours("eastern"), _hours("utc")
    fits_eastern, fits_utc = eastern & _dated("eastern"), utc & _dated("utc")
    proof = (
        pl.when((eastern & ~utc) | (fits_eastern & ~fits_utc))
        .then(1)
        .when((utc & ~eastern) | (fits_utc & ~fits_eastern))
        .then(-1)
        .otherwise(0)
    )
    told = ~pl.col("form").str.contains(_STAFF) & (pl.col("eastern").dt.time() != pl.time(0, 0, 0))
    return timed.with_columns(proof=pl.when(told).then(proof).otherwise(0).cast(pl.Int32))


def _minutes(reading: Reading) -> pl.Expr:
    at = pl.col(reading)
    return at.dt.hour().cast(pl.Int32) * 60 + at.dt.minute().cast(pl.Int32)


def _hours(reading: Reading) -> pl.Expr:
    """Whether EDGAR was open then."""
    working = pl.col(reading).dt.weekday() <= 5
    return _minutes(reading).is_between(_OPENS, _CLOSES) & working


def _dated(reading: Reading) -> pl.Expr:
    """Whether what was accepted then is filed on the day it says."""
    day, minute, filed = pl.col(reading).dt.date(), _minutes(reading), pl.col("filed")
    same, following = filed == day, _is_next(day, filed)
    late = minute > _CUT_OFF
    either = late & ((minute <= _CUT_OFF + _GRACE) | pl.col("late"))
    return pl.when(either).then(same | following).when(late).then(following).otherwise(same)


def _is_next(day: pl.Expr, filed: pl.Expr) -> pl.Expr:
    """Whether `filed` is the working day after `day`; a holiday between may be left out."""
    first = day.dt.add_business_days(1, roll="backward")
    second = day.dt.add_business_days(2, roll="backward")
    columbus = (
        (first.dt.month() == 10) & (first.dt.weekday() == 1) & first.dt.day().is_between(8, 14)
    )
    veterans = (first.dt.month() == 11) & first.dt.day().is_between(10, 12)
    closed = ~first.is_in(all_sessions()["session"].implode())
    return (filed == first) | ((filed == second) & (closed | columbus | veterans))


def _judged(filings: pl.DataFrame) -> pl.DataFrame:
    """Filings with `eastern`: by their own proof, else by the nearest proven ones."""
    rows = filings.sort("cik", "accepted_at").with_row_index("row")
    proven = rows.filter(pl.col("proof") != 0).select("row", "cik", "proof")
    around = proven.select(
        "row", *_nearest("before", pl.col("proof")), *_nearest("after", pl.col("proof"), back=True)
    )
    rows = rows.join(around, on="row", how="left", maintain_order="left").with_columns(
        pl.col("before_for", "before_of").forward_fill().over("cik").fill_null(0),
        pl.col("after_for", "after_of").backward_fill().over("cik").fill_null(0),
    )
    votes = pl.col("before_for") + pl.col("after_for")
    most = (votes >= LEAST_PROOFS) & (2 * votes >= pl.col("before_of") + pl.col("after_of"))
    return rows.with_columns(eastern=(pl.col("proof") > 0) | ((pl.col("proof") == 0) & most))


def _nearest(name: str, proof: pl.Expr, *, back: bool = False) -> list[pl.Expr]:
    """How many of the nearest proofs up to each row (with `back`: from it on) are for Eastern."""

    def total(values: pl.Expr) -> pl.Expr:
        ordered = values.reverse() if back else values
        summed = ordered.rolling_sum(NEAREST, min_samples=1)
        return (summed.reverse() if back else summed).over("cik")

    found = (proof > 0).cast(pl.Int32)
    return [total(found).alias(f"{name}_for"), total(found * 0 + 1).alias(f"{name}_of")]
