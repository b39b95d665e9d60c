"""The filings of the simulated companies: what, when, under which accession number.

Every listed slot files 8-Ks and Forms 4 around its news; the covered ones file 10-Qs and 10-Ks
too. Times of acceptance are Eastern wall time turned into UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.sandbox.companies.model import CHANGE_QUARTER, FIRST_FAULT, Profile, position, profiles
from core.sandbox.market.model import life, model
from core.sandbox.market.names import COVERED, INDEX, SLOTS, cik_of, listings
from core.sandbox.market.news import EARNINGS, QUARTERS, Ints, NewsRows, rhythm, stream
from core.sandbox.market.sessions import Calendar

Days = NDArray[np.datetime64]
_8K = ("2.02", "1.01", "5.02", "8.01", "4.02")
AMENDED, AMENDED_AGAIN = 38, 58  # sessions from the 10-K to its 10-K/A, and to a second one
NOTICE_BEFORE = 15  # sessions from the notice to the amendment
OPEN_SECOND = 9 * 3600 + 31 * 60  # planted: results accepted one minute after the opening bell
_ITEMS = {"2.02": "2.02,9.01", "1.01": "1.01,9.01", "8.01": "8.01,9.01"}


@dataclass(frozen=True, slots=True)
class Reports:
    """The periodic reports of one company, in order of filing; arrays of one length."""

    profile: Profile
    k: Ints  # quarter in which the reported period ends
    start: Ints  # first quarter of its fiscal year
    before: Ints  # first quarter of the fiscal year before
    before2: Ints
    annual: NDArray[np.bool_]
    amended: NDArray[np.bool_]
    form: list[str]
    row: Ints  # session of the filing
    second: Ints


def quarter_ends(seed: int, profile: Profile) -> Days:
    """Last day of quarters -PAST.. of a company; index 0 is quarter -20."""
    months = np.datetime64("2019-12") + 1 + 3 * np.arange(-20, QUARTERS)
    ends = (months + rhythm(seed).month_offset[profile.slot]).astype("datetime64[D]") - 1
    if "saturday" in profile.roles:  # a 52/53-week year: the last Saturday of the month
        ends = ends - (ends.astype(np.int64) + 5) % 7
    return np.asarray(ends)


def end_of(ends: Days, k: Ints) -> Days:
    """Days on which quarters end."""
    return ends[k + 20]


def reports(seed: int, as_of: date, profile: Profile) -> Reports:
    """The 10-Qs, 10-Ks (20-Fs) and amendments filed before the coming session."""
    cal = model(seed, as_of).cal
    k = np.arange(QUARTERS)
    start, before, before2 = position(profile, k)
    last = _fiscal_last(profile, k)
    ends = end_of(quarter_ends(seed, profile), k)
    rng = stream(seed, f"reports {profile.slot}")
    lag = np.where(last, rng.integers(2, 12, QUARTERS), rng.integers(0, 4, QUARTERS))
    day = ends + rhythm(seed).lag_days[profile.slot] + 3
    row = cal.row(day) + lag
    if "ifrs" in profile.roles:
        row = cal.row(ends + 95)
    if "late" in profile.roles:
        row = np.where(last, cal.row(ends + 88), row)
    second = 16 * 3600 + 300 + rng.integers(0, 4500, QUARTERS)
    keep = np.flatnonzero((row < cal.coming) & (last | ("ifrs" not in profile.roles)))
    forms = [_form(profile, int(i), bool(last[i])) for i in keep]
    whole = Reports(
        profile, k[keep], start[keep], before[keep], before2[keep], last[keep],
        np.zeros(len(keep), dtype=bool), forms, row[keep], second[keep],
    )  # fmt: skip
    return _with_restatements(whole, ends, cal) if "restater" in profile.roles else whole


def _fiscal_last(profile: Profile, k: Ints) -> NDArray[np.bool_]:
    last: NDArray[np.bool_] = k % 4 == profile.year_end
    if "changer" in profile.roles:
        last = np.where(k >= CHANGE_QUARTER, k % 4 == 0, k % 4 == profile.year_end)
    return last


def _form(profile: Profile, k: int, last: bool) -> str:
    if "ifrs" in profile.roles:
        return "20-F"
    if "changer" in profile.roles and k == CHANGE_QUARTER:
        return "10-KT"
    return "10-K" if last else "10-Q"


def _with_restatements(r: Reports, ends: Days, cal: Calendar) -> Reports:
    """A 10-K/A some eight weeks after the 10-K of every third year; of every sixth a second one."""
    year = ends[r.k].astype("datetime64[Y]").astype(np.int64) + 1970
    again = np.flatnonzero(r.annual & (year % 3 == 0) & (r.row + AMENDED < cal.coming))
    twice = np.flatnonzero(r.annual & (year % 6 == 0) & (r.row + AMENDED_AGAIN < cal.coming))
    pick = np.concatenate([np.arange(len(r.k)), again, twice])
    amended = np.arange(len(pick)) >= len(r.k)
    later = np.repeat([0, AMENDED, AMENDED_AGAIN], [len(r.k), len(again), len(twice)])
    row = r.row[pick] + later
    order = np.argsort(row, kind="stable")
    pick, amended, row = pick[order], amended[order], row[order]
    forms = [r.form[i] + ("/A" if a else "") for i, a in zip(pick, amended, strict=True)]
    return Reports(
        r.profile, r.k[pick], r.start[pick], r.before[pick], r.before2[pick], r.annual[pick],
        amended, forms, row, r.second[pick],
    )  # fmt: skip


def _notices(seed: int, as_of: date, profile: Profile, cal: Calendar) -> pl.DataFrame:
    """The restater's 8-K of item 4.02, three weeks before the 10-K/A of every other time."""
    r = reports(seed, as_of, profile)
    ends = end_of(quarter_ends(seed, profile), r.k)
    year = ends.astype("datetime64[Y]").astype(np.int64) + 1970
    row = r.row + AMENDED - NOTICE_BEFORE
    due = np.flatnonzero(r.annual & ~r.amended & (year % 6 == 3) & (row < cal.coming))
    days = pl.Series(cal.sessions[row[due]]).cast(pl.Date)
    rows = _rows(np.full(len(due), profile.slot), row[due], np.full(len(due), 61_500), "8-K", days)
    return rows.with_columns(items=pl.lit("4.02,9.01"), xbrl=pl.lit(True))


@lru_cache(maxsize=2)
def filings(seed: int, as_of: date) -> pl.DataFrame:
    """Every filing by (cik, accepted): cik, slot, accession, form, filed, accepted, report_date,
    items, document, description, size, xbrl (bool), quarter (int; null but for reports).
    """
    m = model(seed, as_of)
    parts = [_from_news(seed, m.news, m.cal), _insiders(seed, m.news, m.cal)]
    parts += [_registrations(seed, m.cal), *_late_notices(seed, m.cal)]
    parts += [_from_reports(seed, as_of, profile) for profile in profiles(seed)]
    parts += [_notices(seed, as_of, p, m.cal) for p in profiles(seed) if "restater" in p.roles]
    rows = pl.concat(parts)
    first, last = (pl.Series(x) for x in life(seed, m.cal))
    slot = rows["slot"]
    alive = (rows["row"] >= first.gather(slot)) & (rows["row"] <= last.gather(slot))
    # the coming session has opened for news before the bell only
    alive &= (rows["row"] < m.cal.coming) | (rows["second"] < 34_200)
    return _finished(rows.filter(alive), m.cal)


def known_filings(seed: int, as_of: date, known_at: datetime | None) -> pl.DataFrame:
    """The `filings` that were accepted by `known_at`; all of them when it is None."""
    rows = filings(seed, as_of)
    return rows if known_at is None else rows.filter(pl.col("accepted") <= known_at)


_NEWS_COLUMNS = pl.Schema(
    {
        "slot": pl.Int64,
        "row": pl.Int64,
        "second": pl.Int64,
        "form": pl.String,
        "items": pl.String,
        "report_date": pl.Date,
        "xbrl": pl.Boolean,
        "quarter": pl.Int64,
    }
)


def _from_news(seed: int, news: NewsRows, cal: Calendar) -> pl.DataFrame:
    kinds = pl.Series(news.kind.astype(str))
    is_8k = kinds.is_in(list(_8K))
    tardy = next(p.slot for p in profiles(seed) if "accepted_after_open" in p.roles)
    fault = (news.slot == tardy) & (news.quarter >= FIRST_FAULT)
    row = np.where(fault, news.gap_row, news.filed_row)
    second = np.where(fault, OPEN_SECOND, news.second)
    # those whose reports are served withdraw none that they do not restate
    kinds = kinds.replace("4.02", "8.01").zip_with(pl.Series(news.slot <= COVERED), kinds)
    own = pl.DataFrame({"slot": news.slot, "row": row, "second": second})
    rows = own.with_columns(
        kinds.alias("kind"), pl.Series(cal.sessions[row]).cast(pl.Date).alias("day")
    ).select(
        "slot",
        "row",
        "second",
        pl.when(is_8k).then(pl.lit("8-K")).otherwise("kind").alias("form"),
        pl.when(is_8k).then(pl.col("kind").replace(_ITEMS)).otherwise(pl.lit("")).alias("items"),
        pl.when(is_8k).then("day").alias("report_date"),
        is_8k.alias("xbrl"),
        pl.lit(None, pl.Int64).alias("quarter"),
    )
    return rows.cast(_NEWS_COLUMNS)


def _registrations(seed: int, cal: Calendar) -> pl.DataFrame:
    """An S-1 now and then."""
    draws = stream(seed, "registrations").random((cal.coming, SLOTS))
    draws[:, INDEX] = 1.0
    row, slot = np.nonzero(draws < 0.0004)
    return _rows(slot, row, np.full(len(row), 58_500), "S-1", None)


def _rows(
    slot: Ints, row: Ints, second: Ints, form: str, report_date: pl.Series | None
) -> pl.DataFrame:
    """Filings of one form without items."""
    return (
        pl.DataFrame({"slot": slot, "row": row, "second": second})
        .select(
            pl.all(),
            pl.lit(form).alias("form"),
            pl.lit("").alias("items"),
            pl.lit(report_date, pl.Date).alias("report_date")
            if report_date is None
            else report_date.alias("report_date"),
            pl.lit(False).alias("xbrl"),
            pl.lit(None, pl.Int64).alias("quarter"),
        )
        .cast(_NEWS_COLUMNS)
    )


def _insiders(seed: int, news: NewsRows, cal: Calendar) -> pl.DataFrame:
    """Forms 4: two or three insiders in the days after results."""
    after = np.flatnonzero((news.kind == EARNINGS) & (news.slot <= COVERED))
    rng = stream(seed, "insiders")
    draws = rng.random((len(after), 3, 3))
    row = news.gap_row[after][:, None] + 1 + (draws[:, :, 0] * 4).astype(np.int64)
    second = (61_200 + draws[:, :, 1] * 14_000).astype(np.int64)
    keep = (draws[:, :, 2] < 0.75) & (row < cal.coming)
    slot = np.broadcast_to(news.slot[after][:, None], row.shape)
    days = pl.Series(cal.sessions[np.maximum(row[keep] - 1, 0)]).cast(pl.Date)
    return _rows(slot[keep], row[keep], second[keep], "4", days)


def _from_reports(seed: int, as_of: date, profile: Profile) -> pl.DataFrame:
    r = reports(seed, as_of, profile)
    ends = end_of(quarter_ends(seed, profile), r.k)
    return pl.DataFrame(
        {
            "slot": np.full(len(r.k), profile.slot),
            "row": r.row,
            "second": r.second,
            "form": r.form,
            "items": [""] * len(r.k),
            "report_date": pl.Series(ends).cast(pl.Date),
            "xbrl": [True] * len(r.k),
            "quarter": r.k,
        }
    ).cast(_NEWS_COLUMNS)


def _late_notices(seed: int, cal: Calendar) -> list[pl.DataFrame]:
    """The NT 10-K of a company that is late with its 10-K every year: 75 days are allowed."""
    parts = []
    k = np.arange(QUARTERS)
    for profile in profiles(seed):
        if "late" in profile.roles:
            ends = end_of(quarter_ends(seed, profile), k)
            row = cal.row(ends + 76)
            due = np.flatnonzero(_fiscal_last(profile, k) & (row < cal.coming))
            days = pl.Series(ends[due]).cast(pl.Date)
            second = np.full(len(due), 59_400)
            parts.append(_rows(np.full(len(due), profile.slot), row[due], second, "NT 10-K", days))
    return parts


def _finished(rows: pl.DataFrame, cal: Calendar) -> pl.DataFrame:
    """With days, instants and accession numbers (per company and year in order of acceptance)."""
    days = pl.Series("day", cal.sessions).cast(pl.Date)
    late = (pl.col("second") >= 63_000) & ~pl.col("form").is_in(["3", "4", "5"])
    ciks = pl.Series([cik_of(slot) for slot in range(SLOTS)])
    symbols = pl.Series([x.symbol.lower() for x in listings()])
    dated = rows.with_columns(
        ciks.gather(rows["slot"]).alias("cik"),
        days.gather(rows["row"]).alias("day"),
        symbols.gather(rows["slot"]).alias("symbol"),
        days.gather((rows["row"] + 1).clip(upper_bound=len(days) - 1)).alias("next_day"),
    ).with_columns(
        pl.when(late).then("next_day").otherwise("day").alias("filed"),
        (pl.col("day").cast(pl.Datetime("us")) + pl.duration(seconds="second"))
        .dt.replace_time_zone("America/New_York")
        .dt.convert_time_zone("UTC")
        .alias("accepted"),
    )
    ordered = dated.sort("cik", "accepted", "form", "quarter")
    number = pl.int_range(1, pl.len() + 1).over("cik", pl.col("accepted").dt.year())
    return ordered.with_columns(
        pl.format(
            "{}-{}-{}",
            pl.col("cik").cast(pl.String).str.zfill(10),
            pl.col("accepted").dt.strftime("%y"),
            number.cast(pl.String).str.zfill(6),
        ).alias("accession")
    ).select(
        "cik",
        "slot",
        "accession",
        "form",
        "filed",
        "accepted",
        "report_date",
        "items",
        pl.format("{}-{}.htm", "symbol", pl.col("filed").dt.strftime("%Y%m%d")).alias("document"),
        pl.col("form").alias("description"),
        (20_000 + (pl.col("second") * 7919 + pl.col("cik")) % 900_000).alias("size"),
        "xbrl",
        "quarter",
    )
