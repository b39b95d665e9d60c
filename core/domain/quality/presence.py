"""Rules about what is there and missing: headlines, lost items, counts, restatements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.history import PER_SHARE, SPLITS, before
from core.domain.quality.outcome import Outcome, number, outcome, words

REGULAR = 3  # filings of the form that must have had an item before its absence says something
FEW, MANY = 0.4, 2.5


def present(book: Book) -> pl.DataFrame:
    """fid, item: the items that a filing gives for its own period (or the cover)."""
    once = book.rules.flagged("once")
    own = book.long.filter(pl.col("own") | pl.col("item").is_in(once))
    return own.select("fid", "item").unique().with_columns(pl.col("item").cast(pl.String))


def required(book: Book, have: pl.DataFrame) -> tuple[Outcome, pl.DataFrame]:
    """(Q42, share of the required items present per fid): any of the substitutes will do.

    Judged where a filing states at least a third of the set: less is no financial statement.
    """
    wanted = _wanted(book)
    needs = book.filings.select("fid", "style", "period_end").join(wanted, on="style")
    got = have.join(needs, on=["fid", "item"]).select("fid", "need").unique()
    all_needs = needs.select("fid", "style", "period_end", "need", "label").unique()
    missing = all_needs.join(got, on=["fid", "need"], how="anti")
    counts = all_needs.group_by("fid").len("wanted").join(got.group_by("fid").len("got"), on="fid")
    counts = counts.with_columns(share=pl.col("got") / pl.col("wanted"))
    judged = counts.filter(pl.col("share") >= 1 / 3)
    labels = missing.sort("need").group_by("fid", "period_end").agg("label")
    failed = labels.join(judged, on="fid").with_columns(
        end="period_end", expected=pl.col("wanted").cast(pl.Float64), actual="got",
        message=pl.concat_str(
            number(pl.col("got")), pl.lit(" of "), number(pl.col("wanted")),
            pl.lit(" headline items are reported for the period; missing: "),
            pl.col("label").list.join(", "), pl.lit("."),
        ),
    )  # fmt: skip
    shape = ["fid", "start", "end", "expected", "actual", "message"]
    failed = failed.with_columns(start=pl.lit(None, pl.Date)).select(shape)
    told = pl.concat([failed, _one_sided(book, MAIN).select(shape)], how="vertical_relaxed")
    return outcome("Q42", judged, told), counts.select("fid", "share")


def _wanted(book: Book) -> pl.DataFrame:
    rows = [
        (style.name, need, words(choices[0]), item)
        for style in book.rules.styles
        for need, choices in enumerate(style.require)
        for item in choices
    ]
    return pl.DataFrame(rows, schema=["style", "need", "label", "item"], orient="row")


def vanished(book: Book, have: pl.DataFrame) -> tuple[Outcome, pl.DataFrame]:
    """(Q48, share of the usual items present per fid): items each of the last filings gave.

    The past are the three filings of the same kind (annual, quarterly) before this one.
    """
    names = book.rules.flagged("headline")
    forms = book.filings.filter(pl.col("periodic"), ~pl.col("amendment"), pl.col("concepts") > 30)
    forms = forms.sort("cik", "annual", "fid").select(
        "fid", "cik", "annual", "period_end",
        *[
            pl.col("fid").shift(n).over("cik", "annual").alias(f"f{n}")
            for n in range(1, REGULAR + 1)
        ],
    )  # fmt: skip
    forms = forms.filter(pl.col(f"f{REGULAR}").is_not_null())
    had = have.filter(pl.col("item").is_in(names))
    past = forms.unpivot([f"f{n}" for n in range(1, REGULAR + 1)], index="fid", value_name="past")
    usual = (
        past.join(had.rename({"fid": "past"}), on="past")
        .group_by("fid", "item").len().filter(pl.col("len") == REGULAR)
    )  # fmt: skip
    gone = usual.join(had, on=["fid", "item"], how="anti")
    counts = usual.group_by("fid").len("usual").join(
        gone.group_by("fid").len("gone"), on="fid", how="left"
    )  # fmt: skip
    counts = counts.with_columns(share=1 - pl.col("gone").fill_null(0) / pl.col("usual"))
    labels = gone.sort("item").group_by("fid").agg("item").join(counts, on="fid")
    failed = labels.join(forms.select("fid", "period_end"), on="fid").with_columns(
        end="period_end", expected=pl.col("usual").cast(pl.Float64),
        actual=pl.col("usual").cast(pl.Float64) - pl.col("gone"), start=pl.lit(None, pl.Date),
        message=pl.concat_str(
            number(pl.col("usual") - pl.col("gone")), pl.lit(" of the "), number(pl.col("usual")),
            pl.lit(" headline items of each of the last three filings of this kind are given;"
                   " missing: "),
            pl.col("item").list.join(", "), pl.lit("."),
        ),
    )  # fmt: skip
    shape = ["fid", "start", "end", "expected", "actual", "message"]
    classes = _one_sided(book, PER_SHARE)  # given per class of shares, they leave the SEC's facts
    told = pl.concat([failed.select(shape), classes.select(shape)], how="vertical_relaxed")
    judged = pl.concat([counts.select("fid"), forms.select("fid")])
    return outcome("Q48", judged, told), counts.select("fid", "share")


def _one_sided(book: Book, items: Sequence[str]) -> pl.DataFrame:
    """Main flows given for the period a year ago, but not for the filing's own of that length."""
    main = book.long.filter(pl.col("item").is_in([*MAIN, *PER_SHARE]), pl.col("months") > 0)
    ends = book.filings.filter(pl.col("periodic"), ~pl.col("transition"))
    main = main.join(ends.select("fid", "period_end"), on="fid")
    back = (pl.col("period_end") - pl.col("end")).dt.total_days()
    ago = main.filter(back.is_between(354, 376)).unique(["fid", "item", "months"], keep="last")
    own = main.filter("own")
    lengths = own.group_by("fid", "months").agg(
        n=pl.col("item").n_unique(), own_end=pl.col("end").max()
    )
    ago = ago.join(lengths.filter(pl.col("n") >= 3), on=["fid", "months"])
    missing = ago.join(own, on=["fid", "item", "months"], how="anti")
    missing = missing.filter(pl.col("item").is_in(items))
    return missing.with_columns(
        actual=pl.lit(None, pl.Float64), expected=pl.lit(None, pl.Float64),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is given as "), number(pl.col("value")),
            pl.lit(" for the "), pl.col("months").cast(pl.String),
            pl.lit(" months to "), pl.col("end").cast(pl.String),
            pl.lit(", but not for those to "), pl.col("own_end").cast(pl.String), pl.lit("."),
        ),
    )  # fmt: skip


MAIN = (
    "Revenues", "OperatingIncome", "PretaxIncome", "IncomeTax", "NetIncome", "Cfo", "Cfi", "Cff",
)  # fmt: skip


def counts(book: Book) -> Outcome:
    """Q49: number of facts against the median of the last four filings of the form."""
    forms = book.filings.filter(pl.col("periodic"), ~pl.col("amendment")).sort("cik", "form", "fid")
    past = [pl.col("facts").shift(n).over("cik", "form") for n in range(1, 5)]
    forms = forms.with_columns(usual=pl.concat_list(past).list.median(), oldest=past[3])
    judged = forms.filter(pl.col("oldest").is_not_null())
    ratio = pl.col("facts") / pl.col("usual")
    failed = judged.filter(~ratio.is_between(FEW, MANY)).with_columns(
        end="period_end", expected="usual", actual="facts",
        message=pl.concat_str(
            pl.lit("The filing has "), number(pl.col("facts")),
            pl.lit(" facts, but the median of the last four of its form is "),
            number(pl.col("usual")), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q49", judged, failed)


def amended(book: Book) -> Outcome:
    """Q46: an amendment of the same form and period was filed later (informative)."""
    keys = ["cik", "base_form", "report_date"]
    both = pl.concat([
        frame.filter(pl.col("amendment"), pl.col("report_date").is_not_null()).select(
            *keys, amended_on="filed"
        )
        for frame in (book.filings, book.other)
    ])  # fmt: skip
    forms = book.filings.filter(
        pl.col("periodic"), ~pl.col("amendment"), pl.col("report_date").is_not_null()
    )
    later = forms.join(both, on=keys).filter(pl.col("amended_on") >= pl.col("filed"))
    failed = later.unique("fid", keep="first").with_columns(
        end="report_date",
        message=pl.concat_str(
            pl.lit("Amended by a filing of "), pl.col("amended_on").cast(pl.String), pl.lit(".")
        ),
    )
    return outcome("Q46", forms, failed)


def restated(book: Book, told: pl.DataFrame) -> Outcome:
    """Q47: comparatives that differ from the first report beyond rounding and splits.

    Fails where at least three headline items of at least a tenth of those compared changed.
    """
    both = told.filter(
        pl.col("first_fid") < pl.col("fid"), pl.col("value") != 0, pl.col("first") != 0
    )
    both = both.join(book.filings.select("fid", "unit"), on="fid")
    room = pl.max_horizontal(pl.col("unit") * 2, pl.col("first").abs() * 0.001)
    room = (
        pl.when(pl.col("item").cast(pl.String).str.starts_with("Eps")).then(0.011).otherwise(room)
    )
    both = both.with_columns(changed=(pl.col("value") - pl.col("first")).abs() > room, room=room)
    both = _but_splits(both)
    share = pl.col("changed").sum().over("fid") / pl.len().over("fid")
    many = both.filter("changed", (share >= 0.1) & (pl.col("changed").sum().over("fid") >= 3))
    failed = many.with_columns(
        expected="first", actual="value", tolerance="room",
        rows=pl.concat_list("row", "first_row"),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is "), number(pl.col("value")),
            pl.lit(", but was first reported as "), number(pl.col("first")), pl.lit("."),
        ),
    )  # fmt: skip
    return outcome("Q47", both, failed)


def _but_splits(both: pl.DataFrame) -> pl.DataFrame:
    """`changed` taken back where a per-share value or share count is the other times a split ratio.

    Either way round (a reverse split as well), with room for half a cent in both.
    """
    suspect = both.select(pl.col("changed") & pl.col("item").is_in(PER_SHARE)).to_series()
    sizes = [pl.col("value").abs(), pl.col("first").abs()]
    pairs = both.filter(suspect).select(
        large=pl.max_horizontal(sizes), small=pl.min_horizontal(sizes),
        cents=pl.col("item").cast(pl.String).str.starts_with("Eps"),
    )  # fmt: skip
    large, small = pairs["large"].to_numpy()[:, None], pairs["small"].to_numpy()[:, None]
    ratios = np.unique([ratio for ratio in SPLITS if ratio > 1])[None, :]
    room = np.where(pairs["cents"].to_numpy()[:, None], 0.0051 * (1 + ratios), 0.0)
    split = (np.abs(large - small * ratios) <= np.maximum(large * 0.02, room)).any(axis=1)
    still = both["changed"].to_numpy().copy()
    still[suspect.to_numpy()] = ~split
    return both.with_columns(changed=still)


def factless(book: Book) -> pl.DataFrame:
    """Q44: periodic reports marked XBRL without facts a day after filing (rows of `other`)."""
    settled = pl.col("filed") <= book.as_of - timedelta(days=1)
    marked = pl.col("is_xbrl").fill_null(False) & pl.col("periodic") & ~pl.col("amendment")
    return book.other.filter(marked, settled)


def outliers(book: Book, own: pl.DataFrame) -> Outcome:
    """Q35: growth on the year before, beyond 6 median absolute deviations of its own history."""
    lag = before("value", 4)
    growth = (pl.col("value").abs() / lag.abs()).log()
    positive = (pl.col("value") != 0) & (lag != 0)
    grown = own.with_columns(before=lag, growth=pl.when(positive).then(growth))
    grown = grown.filter(pl.col("growth").is_not_null())
    history = pl.col("growth").shift(1)
    over = ["cik", "item", "months"]
    grown = grown.with_columns(middle=history.rolling_median(20, min_samples=8).over(over))
    spread = (pl.col("growth") - pl.col("middle")).abs()
    grown = grown.with_columns(mad=spread.shift(1).rolling_median(20, min_samples=8).over(over))
    judged = grown.filter(pl.col("mad").is_not_null())
    usual = (pl.col("value").abs() / pl.col("usual")).is_between(0.25, 4.0)
    failed = judged.filter(~usual, spread > pl.max_horizontal(6 * 1.4826 * pl.col("mad"), 1.1))
    failed = failed.with_columns(
        expected="before", actual="value", rows=pl.concat_list("row"),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is "), number(pl.col("value")),
            pl.lit(" after "), number(pl.col("before")),
            pl.lit(": a change far from the company's own history."),
        ),
    )  # fmt: skip
    return outcome("Q35", judged, failed)
