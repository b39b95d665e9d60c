"""Rules about a filing's own labels: dates, periods, duplicates, units, concepts, deadline."""

from __future__ import annotations

from typing import Any

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.outcome import NOTHING, Outcome, number, outcome

NULL_DAY = pl.lit(None, pl.Date)


def lengths(book: Book) -> Outcome:
    """Q36: some flow of the length the form asks for ends at the period end."""
    periodic = book.filings.filter(
        pl.col("periodic"), ~pl.col("transition"), pl.col("period_end").is_not_null()
    )
    spans = book.spans.filter("own").select("fid", "months", "start", "end")
    spans = spans.join(periodic.select("fid", "annual", "report_date"), on="fid")
    fits = (pl.col("annual") & (pl.col("months") == 12)) | (
        ~pl.col("annual") & pl.col("months").is_in([3, 6, 9])
    )
    days = (pl.col("end") - pl.col("start")).dt.total_days() + 1
    seen = spans.group_by("fid").agg(
        fits=fits.any(), start=pl.col("start").min(), end=pl.col("end").max(), actual=days.max(),
        expected=pl.when(pl.col("annual").first()).then(365.0).otherwise(91.0),
    )  # fmt: skip
    failed = seen.filter(~pl.col("fits")).with_columns(
        message=pl.concat_str(
            pl.lit("The longest flow to the period end covers "),
            number(pl.col("actual")),
            pl.lit(" days, but the form asks for about "),
            number(pl.col("expected")),
            pl.lit("."),
        )
    )
    shape = ["fid", "start", "end", "expected", "actual", "message"]
    return outcome(
        "Q36",
        seen,
        pl.concat([failed.select(shape), _strays(book).select(shape)], how="vertical_relaxed"),
    )


def _strays(book: Book) -> pl.DataFrame:
    """Periods of a headline item or two, a few days off a period that carries the statements."""
    names = book.rules.flagged("headline")
    long = book.long.filter(pl.col("item").is_in(names), pl.col("months") > 0)
    sizes = long.group_by("fid", "start", "end").agg(n=pl.len(), name=pl.col("item").first())
    full = sizes.filter(pl.col("n") >= STATEMENTS)
    near = sizes.filter(pl.col("n") <= 2).join(full, on="fid", suffix="_full")
    off = [(pl.col(day) - pl.col(f"{day}_full")).dt.total_days().abs() for day in ("start", "end")]
    both = near.filter(off[0] <= STRAY_DAYS, off[1] <= STRAY_DAYS)
    return both.with_columns(
        actual=(pl.col("end") - pl.col("start")).dt.total_days() + 1.0,
        expected=(pl.col("end_full") - pl.col("start_full")).dt.total_days() + 1.0,
        message=pl.concat_str(
            pl.col("name").cast(pl.String), pl.lit(" is given for "),
            pl.col("start").cast(pl.String), pl.lit(" to "), pl.col("end").cast(pl.String),
            pl.lit(", but the statements are for "), pl.col("start_full").cast(pl.String),
            pl.lit(" to "), pl.col("end_full").cast(pl.String), pl.lit("."),
        ),
    )  # fmt: skip


STATEMENTS, STRAY_DAYS = 8, 8


def report_dates(book: Book) -> Outcome:
    """Q37: the report date is the latest balance sheet date (3 days), and no report's before it."""
    both = book.filings.filter(
        pl.col("periodic"), pl.col("report_date").is_not_null(), pl.col("sheet_date").is_not_null(),
    ).with_columns(days=(pl.col("sheet_date") - pl.col("report_date")).dt.total_days())  # fmt: skip
    failed = both.filter(pl.col("days").abs() > 3).with_columns(
        end="sheet_date", expected=pl.lit(0.0), actual="days", tolerance=pl.lit(3.0),
        message=pl.concat_str(
            pl.lit("The balance sheet is dated "), pl.col("sheet_date").cast(pl.String),
            pl.lit(", but the report "), pl.col("report_date").cast(pl.String), pl.lit("."),
        ),
        items=pl.lit(["Assets"]),
    )  # fmt: skip
    again = _repeated(book)
    shape = ["fid", "end", "expected", "actual", "tolerance", "message", "items"]
    told = [frame.select(shape) for frame in (failed, again) if not frame.is_empty()]
    return outcome("Q37", both, pl.concat(told, how="vertical_relaxed") if told else NOTHING)


def _repeated(book: Book) -> pl.DataFrame:
    """Reports without a report date whose balance sheet has the date of the report before."""
    forms = book.filings.filter(
        pl.col("periodic"), ~pl.col("amendment"), ~pl.col("transition"),
        pl.col("sheet_date").is_not_null(), pl.col("facts") > FULL,
    ).sort("cik", "fid")  # fmt: skip
    same = (pl.col("sheet_date") - pl.col("before")).dt.total_days().abs() <= 3
    forms = forms.with_columns(
        before=pl.col("sheet_date").shift(1).over("cik"), told=pl.col("filed").shift(1).over("cik")
    ).filter(same, pl.col("report_date").is_null(), pl.col("filed") > pl.col("told"))
    return forms.with_columns(
        end="sheet_date", items=pl.lit(["Assets"]), expected=pl.lit(None, pl.Float64),
        actual=pl.lit(None, pl.Float64), tolerance=pl.lit(3.0),
        message=pl.concat_str(
            pl.lit("The balance sheet is dated "), pl.col("sheet_date").cast(pl.String),
            pl.lit(", but so is that of the report of "), pl.col("told").cast(pl.String),
            pl.lit(" before it."),
        ),
    )  # fmt: skip


FULL = 100  # facts of a whole report


def cover_dates(book: Book) -> Outcome:
    """Q38: the share count of the cover is dated at or after the balance sheet."""
    counts = book.long.filter(pl.col("item") == "CoverShares").group_by("fid").agg(
        pl.col("end").max(), pl.col("row").last()
    )  # fmt: skip
    forms = book.filings.filter(pl.col("periodic"), ~pl.col("amendment"))
    both = counts.join(forms.select("fid", "sheet_date", "annual"), on="fid")
    both = both.filter(pl.col("sheet_date").is_not_null())
    days = (pl.col("end") - pl.col("sheet_date")).dt.total_days()
    most = pl.when("annual").then(COVER_DAYS[0]).otherwise(COVER_DAYS[1])
    failed = both.filter((days < -3) | (days > most)).with_columns(
        expected=pl.lit(0.0), actual=days, tolerance=most, rows=pl.concat_list("row"),
        message=pl.concat_str(
            pl.lit("The cover's share count is dated "), pl.col("end").cast(pl.String),
            pl.lit(", but the balance sheet "), pl.col("sheet_date").cast(pl.String),
            pl.lit(": "), number(days), pl.lit(" days."),
        ),
    )  # fmt: skip
    return outcome("Q38", both, failed)


COVER_DAYS = (240, 110)  # longest from the balance sheet to the cover: annual, quarterly


def future(book: Book) -> Outcome:
    """Q39: standard items do not end after the day of filing."""
    names = book.rules.flagged("headline")
    long = book.long.filter(pl.col("item").is_in(names))
    dated = long.join(book.filings.select("fid", "filed"), on="fid")
    late = (pl.col("end") - pl.col("filed")).dt.total_days()
    failed = dated.filter(late > 1).with_columns(
        expected=pl.lit(0.0), actual=late, tolerance=pl.lit(1.0), rows=pl.concat_list("row"),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is of a period to "),
            pl.col("end").cast(pl.String), pl.lit(", after the filing of "),
            pl.col("filed").cast(pl.String), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q39", dated, failed)


def duplicates(book: Book) -> Outcome:
    """Q40: facts stated more than once with values that differ beyond the coarser rounding."""
    keys = ["fid", "taxonomy", "concept", "unit", "period_start", "period_end"]
    repeated = book.facts.filter(pl.col("seq") > 0).select(keys).unique()
    twice = book.facts.join(repeated, on=keys, how="semi", nulls_equal=True)
    spread = twice.group_by(keys).agg(
        low=pl.col("value").min(), high=pl.col("value").max(), rows="row", unit_size=_coarsest()
    )
    room = pl.when(pl.col("unit").str.contains(r"^[A-Z]{3}$")).then(pl.col("unit_size") / 2)
    failed = spread.filter(pl.col("high") - pl.col("low") > room.fill_null(0.0)).with_columns(
        start="period_start", end="period_end", expected="low", actual="high", tolerance=room,
        message=pl.concat_str(
            pl.col("concept"), pl.lit(" is given as "), number(pl.col("low")), pl.lit(" and as "),
            number(pl.col("high")), pl.lit(" for the same period."),
        ),
    )  # fmt: skip
    return outcome("Q40", book.filings, failed)


def _coarsest() -> pl.Expr:
    """The coarsest rounding (1, 1e3, 1e6) that any of the values shows."""
    value = pl.col("value")
    size = (
        pl.when(value % 1e6 == 0).then(1e6).when(value % 1e3 == 0).then(1e3).otherwise(1.0)
    )  # fmt: skip
    return size.max()


def units(book: Book) -> Outcome:
    """Q41: the unit that the item asks for, and headline items in one currency."""
    known = book.known
    wrong = known.filter(pl.col("given") != pl.col("unit_kind")).with_columns(
        message=pl.concat_str(
            pl.col("concept"), pl.lit(" is given in "), pl.col("unit"),
            pl.lit(", but should be in "), pl.col("unit_kind").replace(SPOKEN), pl.lit("."),
        )
    )  # fmt: skip
    failed = pl.concat([wrong, _second_currency(known)]).unique(["fid", "row"])
    failed = failed.with_columns(actual="value", rows=pl.concat_list("row"))
    return outcome("Q41", known, failed)


SPOKEN = {"money": "a currency", "per_share": "a currency per share"}


def _second_currency(known: pl.DataFrame) -> pl.DataFrame:
    """Headline balances in a currency other than the filing's main one, without their main twin."""
    heads = known.filter(pl.col("given") == "money", pl.col("unit_kind") == "money")
    foreign = heads.filter(pl.col("unit") != pl.col("currency"))
    twin = ["fid", "taxonomy", "concept", "start", "end"]
    main = heads.join(foreign.select("fid").unique(), on="fid", how="semi")
    home = main.filter(pl.col("unit") == pl.col("currency")).select(twin)
    alone = foreign.join(home, on=twin, how="anti", nulls_equal=True)
    return alone.with_columns(
        message=pl.concat_str(
            pl.col("concept"), pl.lit(" is given in "), pl.col("unit"),
            pl.lit(", but the filing reports in "), pl.col("currency"), pl.lit("."),
        )
    )  # fmt: skip


def retired(book: Book) -> Outcome:
    """Q43: facts of the own period under a concept retired more than a year before."""
    table = pl.DataFrame(
        {"concept": list(book.rules.retired), "year": list(book.rules.retired.values())},
        schema={"concept": pl.String, "year": pl.Int32},
    )
    used = book.facts.join(table, on="concept").join(
        book.filings.select("fid", "period_end"), on="fid"
    )
    old = (pl.col("filed").dt.year() > pl.col("year") + 2) & (
        pl.col("period_end") == pl.col("period_end_right")
    )
    failed = used.filter(old).with_columns(
        start="period_start", end="period_end", actual="value", rows=pl.concat_list("row"),
        message=pl.concat_str(
            pl.col("concept"), pl.lit(" left the taxonomy after "), pl.col("year").cast(pl.String),
            pl.lit(", but is used in a filing of "), pl.col("filed").dt.year().cast(pl.String),
            pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q43", book.filings.filter(pl.col("facts") > 50), failed)


def fiscal_labels(book: Book) -> Outcome:
    """Q51: fy and fp are present and fit the form."""
    forms = book.filings.filter(pl.col("periodic"), ~pl.col("transition"))
    annual, period = pl.col("annual"), pl.col("fiscal_period")
    fits = (annual & (period == "FY")) | (~annual & period.is_in(["Q1", "Q2", "Q3"]))
    failed = forms.filter(~(fits & pl.col("fiscal_year").is_not_null()).fill_null(False))
    failed = failed.with_columns(
        end="period_end",
        message=pl.concat_str(
            pl.lit("The facts are labelled "), pl.col("fiscal_period").fill_null("without period"),
            pl.lit(" "), pl.col("fiscal_year").cast(pl.String).fill_null("without year"),
            pl.lit(", but the form is "), pl.col("form"), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q51", forms, failed)


def deadline(book: Book) -> Outcome:
    """Q45: days from period end to filing against the deadline of the filer category."""
    limits = book.rules.deadlines
    due: Any = pl.when(pl.lit(False)).then(0)
    for filer in ("foreign", "other", "accelerated", "large"):
        year, quarter = limits[filer]
        allowed = pl.when(pl.col("annual")).then(year).otherwise(quarter)
        due = due.when((pl.col("filer") == filer) & (_recent(book) | (filer == "foreign"))).then(
            allowed
        )
    year, quarter = limits["other"]
    due = due.otherwise(pl.when(pl.col("annual")).then(year).otherwise(quarter))
    forms = book.filings.filter(
        pl.col("periodic"),
        ~pl.col("amendment"),
        ~pl.col("transition"),
        pl.col("listed"),
        pl.col("report_date").is_not_null(),
    ).with_columns(
        days=(pl.col("filed") - pl.col("report_date")).dt.total_days(),
        due=due + limits["grace"] + _late_notice(book),
    )
    slow = pl.when(pl.col("filed").dt.year() < 2010).then(10).otherwise(0)
    failed = forms.filter(pl.col("days") > pl.col("due") + slow).with_columns(
        end="report_date", expected="due", actual="days",
        message=pl.concat_str(
            pl.lit("Filed "), number(pl.col("days")), pl.lit(" days after the period end, but "),
            number(pl.col("due")), pl.lit(" are allowed."),
        ),
    )  # fmt: skip
    return outcome("Q45", forms, failed)


def _recent(book: Book) -> pl.Expr:
    """The category is today's: older filings are given the longest deadline."""
    return (pl.lit(book.as_of) - pl.col("filed")).dt.total_days() <= RECENT_DAYS


RECENT_DAYS = 730


def _late_notice(book: Book) -> pl.Expr:
    """Extra days where an NT form of the company announces the delay of this period."""
    notices = book.other.filter(pl.col("form").is_in(["NT 10-K", "NT 10-Q"]))
    keys = notices.select(pl.struct("cik", "report_date")).to_series()
    extra_year, extra_quarter = book.rules.deadlines["extension"]
    extra = pl.when(pl.col("annual")).then(extra_year).otherwise(extra_quarter)
    return pl.when(pl.struct("cik", "report_date").is_in(keys.implode())).then(extra).otherwise(0)
