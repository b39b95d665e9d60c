"""Rules that compare a filing with what the company said before: scale, sign, outliers, gaps.

The past of a value is what earlier filings (by day of filing) gave for their own periods; a filing
is never judged by later ones, but for the informative note that it was amended.
"""

from __future__ import annotations

import polars as pl

from core.domain.quality.book import Book
from core.domain.quality.outcome import FAILED, Outcome, number, outcome

PRIOR = 4
SCALES = (1e3, 1e6)
OUT_OF_LINE = 30.0
LONE_JUMP = 150.0
SPLITS = [
    a / b
    for a in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 200)
    for b in (1, 2, 3)
]


def own_values(book: Book) -> pl.DataFrame:
    """fid, cik, item, months, end, value, row + p1..p4 (prior values of the same length), size.

    `size` is the greatest magnitude of the four, `usual` their median; without any, that of the
    filing's comparatives.
    """
    headline = book.rules.flagged("headline")
    long = book.long.filter(pl.col("item").is_in(headline), pl.col("months") >= 0)
    long = long.join(book.filings.select("fid", "cik"), on="fid", maintain_order="left")
    own = long.filter("own").sort("cik", "item", "months", "fid", "start", "end")
    own = in_runs(own.unique(["fid", "item", "months"], keep="last", maintain_order=True), OVER)
    past = [before("value", n).alias(f"p{n}") for n in range(1, PRIOR + 1)]
    own = own.with_columns(past, was_fid=before("fid"))
    beside = (
        long.filter(~pl.col("own")).group_by("fid", "item", "months")
        .agg(beside=pl.col("value").abs().max())
    )  # fmt: skip
    own = own.join(beside, on=["fid", "item", "months"], how="left", maintain_order="left")
    names = [f"p{n}" for n in range(1, PRIOR + 1)]
    return own.with_columns(
        size=pl.coalesce(pl.max_horizontal(pl.col(names).abs()), "beside"),
        usual=pl.coalesce(pl.concat_list(pl.col(names).abs()).list.median(), "beside"),
        seen=pl.sum_horizontal(pl.col(names).is_not_null()),
    )


def told_before(book: Book) -> pl.DataFrame:
    """Every headline value with what the filing before it said for the same period (`was`)."""
    headline = book.rules.flagged("headline")
    long = book.long.filter(pl.col("item").is_in(headline))
    long = long.join(book.filings.select("fid", "cik"), on="fid", maintain_order="left")
    keys = ["cik", "item", "start", "end"]
    runs = in_runs(long.sort(*keys, "fid"), keys)
    head = pl.col("pos") == 0
    return runs.with_columns(
        was=before("value"), was_row=before("row"), was_fid=before("fid"),
        first=pl.when(head).then("value").forward_fill(),
        first_row=pl.when(head).then("row").forward_fill(),
        first_fid=pl.when(head).then("fid").forward_fill(),
    )  # fmt: skip


OVER = ["cik", "item", "months"]


def in_runs(ordered: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Adds `pos`, the place of a row within its run of equal keys; far cheaper than `over`."""
    same = pl.all_horizontal(pl.col(key).eq_missing(pl.col(key).shift(1)) for key in keys)
    index = pl.int_range(pl.len(), dtype=pl.Int64)
    begin = pl.when(~same | (index == 0)).then(index).forward_fill()
    return ordered.with_columns(pos=index - begin)


def before(name: str, n: int = 1) -> pl.Expr:
    """The value n rows earlier in the same run."""
    return pl.when(pl.col("pos") >= n).then(pl.col(name).shift(n))


def scale_jump(book: Book, own: pl.DataFrame, told: pl.DataFrame) -> Outcome:
    """Q33: two headline items or more a thousand or a million times what they were."""
    usual = own.filter(pl.col("usual") > 0).select("fid", "item", "months", "usual")
    against = told.filter(pl.col("was").is_not_null(), pl.col("was") != 0, pl.col("value") != 0)
    against = against.join(usual, on=["fid", "item", "months"], how="left", maintain_order="left")
    same = against.filter(_scaled(pl.col("value") / pl.col("was"), 0.01))
    same = same.filter(_out_of_line())
    lone = own.filter(
        pl.col("value") != 0, pl.col("seen") > 0,
        _scaled(pl.col("value") / pl.col("p1"), 0.5), _out_of_line(),
    )  # fmt: skip
    columns = ["fid", "item", "start", "end", "value", "row", "was_fid"]
    comparable = own.filter(pl.col("seen") > 0).group_by("fid").agg(n=pl.col("item").n_unique())
    lone = lone.join(comparable, on="fid").filter(
        pl.col("item").n_unique().over("fid") * 2 >= pl.col("n")
    )
    found = pl.concat([
        same.select(*columns, was="was", was_row="was_row"),
        lone.select(*columns, was="p1", was_row=pl.lit(None, pl.UInt32)),
    ])  # fmt: skip
    found = _credible(book, found)
    many = _not_after_fault(found.filter(_kind_of_item().n_unique().over("fid") >= 2))
    worst = many.sort("fid", "value").unique(["fid", "item"], keep="last", maintain_order=True)
    text = pl.concat_str(
        pl.col("item").cast(pl.String), pl.lit(" is "), number(pl.col("value")),
        pl.lit(", but was "), number(pl.col("was")), pl.lit(" before: a jump of scale."),
    )  # fmt: skip
    failed = worst.with_columns(
        expected="was", actual="value", message=text, tolerance=pl.lit(None, pl.Float64),
        rows=pl.concat_list("row", "was_row").list.drop_nulls(),
    )  # fmt: skip
    judged = pl.concat([against.select("fid"), own.filter(pl.col("seen") > 0).select("fid")])
    return outcome("Q33", judged, failed)


def _not_after_fault(found: pl.DataFrame) -> pl.DataFrame:
    """Without filings that only contradict a filing which was itself at fault."""
    at_fault = found.select(was_fid="fid").unique()
    return found.join(at_fault, on="was_fid", how="anti")


def _credible(book: Book, found: pl.DataFrame) -> pl.DataFrame:
    """Without share counts that fit the income and the earnings per share beside them."""
    counts = found.filter(pl.col("item").cast(pl.String).str.starts_with("Shares"))
    rest = found.join(counts, on=["fid", "item", "start", "end"], how="anti", nulls_equal=True)
    beside = book.spans.select("fid", "start", "end", "NetIncome", "EpsBasic", "EpsDiluted")
    counts = counts.join(beside, on=["fid", "start", "end"], how="left")
    implied = pl.col("NetIncome") / pl.coalesce("EpsBasic", "EpsDiluted")
    fits = (pl.col("value") / implied).is_between(1 / OUT_OF_LINE, OUT_OF_LINE)
    return pl.concat([rest, counts.filter(~fits.fill_null(False)).select(rest.columns)])


def _kind_of_item() -> pl.Expr:
    """Share counts stand for one item, per-share values for another: they move together."""
    name = pl.col("item").cast(pl.String)
    return (
        pl.when(name.str.starts_with("Shares")).then(pl.lit("shares"))
        .when(name.str.starts_with("Eps")).then(pl.lit("per share")).otherwise(name)
    )  # fmt: skip


def _scaled(ratio: pl.Expr, slack: float) -> pl.Expr:
    """Whether a ratio is near 1e3 or 1e6 or an inverse."""
    size = ratio.abs()
    tests = [size.is_between(s * (1 - slack), s / (1 - slack)) for s in SCALES]
    tests += [size.is_between((1 - slack) / s, 1 / s / (1 - slack)) for s in SCALES]
    return pl.any_horizontal(tests)


def _out_of_line() -> pl.Expr:
    """Whether a value lies far from the median of the values before it."""
    ratio = pl.col("value").abs() / pl.col("usual")
    return pl.col("usual").is_null() | (ratio > OUT_OF_LINE) | (ratio < 1 / OUT_OF_LINE)


def flips(book: Book, own: pl.DataFrame, told: pl.DataFrame) -> Outcome:
    """Q34: the negative of what was said before, a sign against all the past, or a lone jump."""
    pieces = [
        _contradicted(book, told, own),
        _jumped(own),
        _mirrored(book, own),
        _against_kin(book),
    ]
    failed = pl.concat(pieces).unique(["fid", "start", "end", "message"], maintain_order=True)
    judged = pl.concat([told.filter(pl.col("was").is_not_null()).select("fid"), own.select("fid")])
    return outcome("Q34", judged, failed)


NO_FLIPS = pl.DataFrame(
    schema={n: FAILED[n] for n in ("fid", "start", "end", "expected", "actual", "message", "rows")}
)


def _told(frame: pl.DataFrame, expected: str, middle: str, tail: str) -> pl.DataFrame:
    if frame.is_empty():
        return NO_FLIPS
    rows = [name for name in ("row", "was_row") if name in frame.columns]
    return frame.select(
        "fid", "start", "end", expected=expected, actual="value",
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is "), number(pl.col("value")),
            pl.lit(middle), number(pl.col(expected)), pl.lit(tail),
        ),
        rows=pl.concat_list(rows).list.drop_nulls(),
    )  # fmt: skip


def _contradicted(book: Book, told: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Comparatives that are the exact negative or a thousandfold of the report before."""
    usual = own.select("fid", "item", "months", "usual", "p1", "p2", "p3", "p4")
    both = told.filter(
        ~pl.col("own"), pl.col("was").is_not_null(), pl.col("was") != 0, pl.col("value") != 0
    ).join(usual, on=["fid", "item", "months"], how="left", maintain_order="left")
    negative = (pl.col("value") + pl.col("was")).abs() <= pl.col("was").abs() * 1e-3
    settled = pl.col("was") == pl.col("first")
    negative &= settled & _unanimous("p1", "p2", "p3", "p4", sign_of="was")
    scaled = _scaled(pl.col("value") / pl.col("was"), 0.01) & settled
    scaled &= _out_of_line()
    found = _not_after_fault(_credible(book, both.filter(negative | scaled)))
    return _told(found, "was", ", but was reported as ", " before.")


def _unanimous(*names: str, sign_of: str) -> pl.Expr:
    same = [(pl.col(n).sign() == pl.col(sign_of).sign()).fill_null(True) for n in names]
    return pl.all_horizontal(same) & pl.col(names[1]).is_not_null()


def _jumped(own: pl.DataFrame) -> pl.DataFrame:
    """Amounts beyond 150 times the greatest of a steady past (within a factor of ten).

    Where many items jump, each by its own factor, the company is another one than before (a shell
    that bought a business); by one factor, rule Q33 tells it.
    """
    least = pl.min_horizontal(pl.col("p1", "p2", "p3", "p4").abs())
    up = (pl.col("value").abs() > LONE_JUMP * pl.col("size")) & (pl.col("size") > 0)
    steady = (pl.col("size") < 10 * least) & (pl.col("seen") >= 3)
    amounts = ~pl.col("item").is_in(PER_SHARE)
    jumped = own.filter(up & steady & amounts)
    jumped = jumped.filter(pl.col("item").n_unique().over("fid") <= FEW_JUMPS)
    return _told(jumped, "size", ", but the greatest of the four before is ", ".")


FEW_JUMPS = 2
PER_SHARE = ("EpsBasic", "EpsDiluted", "SharesBasic", "SharesDiluted")


def _mirrored(book: Book, own: pl.DataFrame) -> pl.DataFrame:
    """Balances that come out as about the negative of the balance before.

    Equity may cross zero within a quarter (new shares), so it has to mirror more closely; retained
    earnings may not, unless income, loss or buybacks of the period explain most of the change.
    """
    likeness = (
        pl.when(pl.col("item") == "EquityParent").then(0.05)
        .when(pl.col("item") == "RetainedEarnings").then(0.4).otherwise(0.2)
    )  # fmt: skip
    mirror = (pl.col("value") + pl.col("p1")).abs() < likeness * pl.col("p1").abs()
    found = own.filter(
        pl.col("months") == 0, pl.col("value") != 0, mirror,
        _unanimous("p2", "p3", "p4", sign_of="p1"),
    )  # fmt: skip
    return _told(
        _not_earned(book, found), "p1", ", about the negative of the balance before, ", "."
    )


def _not_earned(book: Book, found: pl.DataFrame) -> pl.DataFrame:
    """Without retained earnings that income took up, or a loss or buybacks down, through zero."""
    if found.is_empty():
        return found
    spans = book.spans.filter("own").join(found.select("fid").unique(), on="fid", how="semi")
    told = spans.sort("fid", "months").group_by("fid").agg(
        income=pl.coalesce("ProfitLoss", "NetIncome").drop_nulls().first(),
        bought=pl.col("Buybacks").abs().max().fill_null(0.0),
    )  # fmt: skip
    change = pl.col("value") - pl.col("p1")
    means = pl.when(change > 0).then("income").otherwise(
        pl.max_horizontal(-pl.col("income"), "bought")
    )  # fmt: skip
    earned = (pl.col("item") == "RetainedEarnings") & (means >= 0.6 * change.abs())
    found = found.join(told, on="fid", how="left", maintain_order="left")
    return found.filter(~earned.fill_null(value=False))


KIN = (  # of two items that go together, the first has the other's size but not its sign
    ("NetIncome", "ProfitLoss", 0.25),
    ("NetIncome", "IncomeToCommon", 0.25),
    ("NetIncome", "IncomeContinuing", 0.25),
    ("NetIncome", "IncomeContinuingAll", 0.15),
    ("NetIncome", "Comprehensive", 0.01),
    ("PretaxIncome", "OperatingIncome", 0.15),
    ("ProfitLoss", "IncomeContinuingAll", 0.15),
)


def _against_kin(book: Book) -> pl.DataFrame:
    """Values whose sign contradicts their next of kin in the same period of the same filing."""
    pieces = [_signs(book, *pair) for pair in KIN]
    pieces += [_share_signs(book, eps) for eps in ("EpsBasic", "EpsDiluted")]
    pieces += [_sizes(book, item, *limit) for item, limit in SIZES.items()]
    return pl.concat(pieces)


SIZES = {  # an item is not larger than so many times the greatest of its kin
    "OperatingIncome": (
        30.0,
        ("PretaxIncome", "Revenues", "CostsAndExpenses", "OperatingExpenses"),
    ),
    "EpsDiluted": (20.0, ("EpsBasic",)),
    "EpsBasic": (20.0, ("EpsDiluted",)),
    "Comprehensive": (60.0, ("NetIncome", "Revenues", "ProfitLoss", "Oci")),
    "Cfo": (100.0, ("Revenues", "NetIncome", "Cfi", "Cff")),
}


def _sizes(book: Book, item: str, factor: float, kin: tuple[str, ...]) -> pl.DataFrame:
    greatest = pl.max_horizontal(pl.col(kin).abs())
    least = pl.when(pl.lit(item.startswith("Eps"))).then(0.05).otherwise(pl.col("unit") * 10)
    known = book.spans.with_columns(greatest=greatest).filter(pl.col("greatest") >= least)
    huge = known.filter(pl.col(item).abs() > factor * pl.col("greatest"))
    if huge.is_empty():
        return NO_FLIPS
    wrong = huge.select("fid", "start", "end", value=item, other="greatest")
    rows = book.long.filter(pl.col("item") == item).select("fid", "start", "end", "row", "item")
    found = wrong.join(rows, on=["fid", "start", "end"])
    return _told(found, "other", ", but the greatest of its kin is ", ": not of one size.")


def _signs(book: Book, item: str, kin: str, slack: float) -> pl.DataFrame:
    value, other = pl.col(item), pl.col(kin)
    mirrored = (value + other).abs() <= slack * other.abs()
    sold = pl.col("IncomeDiscontinued").abs().fill_null(0.0) > 0.5 * value.abs()
    wrong = book.spans.filter(~sold & mirrored & (value.sign() * other.sign() == -1))
    return _kin_rows(book, wrong, item, kin)


def _share_signs(book: Book, eps: str) -> pl.DataFrame:
    cents = pl.col(eps).abs() >= 0.02
    income = pl.coalesce("IncomeToCommon", "NetIncome", "ProfitLoss")
    named = book.spans.with_columns(income=income)
    one_way = pl.all_horizontal(
        (pl.col(n).is_null() | (pl.col(n).sign() == income.sign())) for n in RELATED
    )
    wrong = named.filter(cents, one_way, pl.col(eps).sign() * pl.col("income").sign() == -1)
    return _kin_rows(book, wrong, eps, "income")


RELATED = ("NetIncome", "ProfitLoss", "IncomeContinuing")


def _kin_rows(book: Book, wrong: pl.DataFrame, item: str, kin: str) -> pl.DataFrame:
    if wrong.is_empty():
        return NO_FLIPS
    wrong = wrong.select("fid", "start", "end", value=item, other=kin)
    rows = book.long.filter(pl.col("item") == item).select("fid", "start", "end", "row", "item")
    found = wrong.join(rows, on=["fid", "start", "end"])
    return _told(found, "other", f", but {kin} is ", ": the signs contradict each other.")
