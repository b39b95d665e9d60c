"""Daily bars before anything is computed from them: what is wrong with a bar, and share bases.

Raw prices stay as delivered. Corporate actions give each bar a split factor (new shares per share
of that day, in the end), and quantities are computed on price / factor, volume x factor: one
basis throughout, so a split is no move. The basis cancels out of every ratio.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

PRICES = ("open", "high", "low", "close")
LEAST_PRICE, MOST_PRICE = 1e-6, 1e9  # beyond them a number is no price of a share
MOST_VOLUME = 1e13
NO_VOLUME = "no volume"
SPECIAL_SHARE = 0.02  # of the close before: no quarterly dividend is as large


def spelled(column: str) -> pl.Expr:
    """Symbols in one spelling: BRK.B, brk/b and BRK-B are the same."""
    return pl.col(column).str.to_uppercase().str.replace_all("[./]", "-")


def is_sound() -> pl.Expr:
    """True for a bar with four possible prices in order and some volume; never null."""
    ordered = (
        (pl.col("low") >= LEAST_PRICE)
        & (pl.col("low") <= pl.col("open"))
        & (pl.col("low") <= pl.col("close"))
        & (pl.col("open") <= pl.col("high"))
        & (pl.col("close") <= pl.col("high"))
    )
    bounded = (pl.col("high") <= MOST_PRICE) & (pl.col("volume") <= MOST_VOLUME)
    return (ordered & bounded & (pl.col("volume") > 0)).fill_null(value=False)


def is_price(value: pl.Expr) -> pl.Expr:
    """True where a cell can be the price of a share: neither missing, nor zero, nor absurd."""
    return value.is_between(LEAST_PRICE, MOST_PRICE).fill_null(value=False)


def problem() -> pl.Expr:
    """What is wrong with a bar, in words; null for a sound one."""
    missing = pl.any_horizontal(pl.col(name).is_null() | pl.col(name).is_nan() for name in PRICES)
    outside = pl.any_horizontal(
        (pl.col(name) > pl.col("high")) | (pl.col(name) < pl.col("low"))
        for name in ("open", "close")
    )
    return (
        pl.when(missing)
        .then(pl.lit("a price is missing"))
        .when(pl.any_horizontal(pl.col(name) <= 0 for name in PRICES))
        .then(pl.lit("a price is zero or negative"))
        .when(~pl.all_horizontal(is_price(pl.col(name)) for name in PRICES))
        .then(pl.lit("a price is beyond reason"))
        .when(pl.col("high") < pl.col("low"))
        .then(pl.lit("the high is below the low"))
        .when(outside)
        .then(pl.lit("the open or close lies outside the day's range"))
        .when(pl.col("volume").fill_null(0) <= 0)
        .then(pl.lit(NO_VOLUME))
        .when(pl.col("volume") > MOST_VOLUME)
        .then(pl.lit("the volume is beyond reason"))
    )


def in_order(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars by symbol and session; sorted only where they are not already."""
    before = pl.col("symbol").shift(1)
    right = (pl.col("symbol") > before) | (
        (pl.col("symbol") == before) & (pl.col("session") > pl.col("session").shift(1))
    )
    if bars.select(right.all(ignore_nulls=True)).item():
        return bars
    return bars.sort("symbol", "session")


def split_factors(keys: pl.DataFrame, splits: pl.DataFrame) -> pl.Series:
    """For rows of symbol and session: the product of the ratios of all later splits.

    `splits` has symbol, ex_date and ratio. Rows on or after the last split have 1.0; dividing a
    price by its factor brings it to today's share basis.
    """
    ones = pl.repeat(1.0, keys.height, dtype=pl.Float64, eager=True).alias("factor")
    if splits.is_empty():
        return ones
    rows = keys.select("symbol", "session").with_row_index("row")
    rows = rows.filter(pl.col("symbol").is_in(splits["symbol"].unique().implode()))
    found = (
        rows.sort("session")
        .join_asof(
            _later_products(splits),
            left_on="session",
            right_on="ex_date",
            by="symbol",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .filter(pl.col("product").is_not_null())
    )
    return ones.scatter(found["row"], found["product"])


def _later_products(splits: pl.DataFrame) -> pl.DataFrame:
    product = pl.col("ratio").cum_prod(reverse=True).over("symbol")
    ordered = splits.filter(can_be_split(pl.col("ratio"))).sort("symbol", "ex_date")
    bounded = product.clip(1 / WILDEST_PRODUCT, WILDEST_PRODUCT)  # prices stay numbers
    return ordered.select("symbol", "ex_date", product=bounded).sort("ex_date")


WILDEST_PRODUCT = 1e30  # of all later splits of a name
WILDEST_SPLIT = 1e6  # new shares per old one, or old ones per new; beyond it nothing is a split


def can_be_split(ratio: pl.Expr) -> pl.Expr:
    """Whether a ratio (new shares per old share) is one that shares are split by."""
    return ratio.is_between(1 / WILDEST_SPLIT, WILDEST_SPLIT)


MINOR_UNITS = {
    "GBX": "GBP",
    "gbx": "GBP",
    "GBx": "GBP",
    "GBp": "GBP",
    "ZAc": "ZAR",
    "ZAC": "ZAR",
    "ILA": "ILS",
}


def paid_currency() -> pl.Expr:
    """The currency of cash, pence as pounds; null where none is stated."""
    stated = pl.col("currency").str.strip_chars().replace("", None)
    return stated.replace(MINOR_UNITS).str.to_uppercase()


def cash_in(
    actions: pl.DataFrame, currency: str, rates: Mapping[str, float], foreign: str
) -> pl.DataFrame:
    """The actions with cash in one currency; what has no rate becomes of the kind `foreign`.

    `rates` gives units of `currency` per unit of another. Pence count as hundredths of pounds. A
    distribution without a currency is taken to be in that of the instrument.
    """
    stated = pl.col("currency").str.strip_chars().replace("", None)
    minor = pl.when(stated.is_in(list(MINOR_UNITS))).then(0.01).otherwise(1.0)
    known = {**rates, currency: 1.0}
    rate = paid_currency().replace_strict(known, default=None, return_dtype=pl.Float64) * minor
    rate = pl.when(stated.is_null()).then(1.0).otherwise(rate)
    cash = pl.col("kind") == "dividend"
    return actions.with_columns(
        amount=pl.when(cash).then(pl.col("amount") * rate).otherwise("amount"),
        kind=pl.when(cash & rate.is_null()).then(pl.lit(foreign)).otherwise("kind"),
        currency=pl.when(cash & rate.is_not_null()).then(pl.lit(currency)).otherwise("currency"),
    )


def splits_of(actions: pl.DataFrame) -> pl.DataFrame:
    """The splits among corporate actions, one a symbol and day however often it was delivered."""
    found = actions.filter((pl.col("kind") == "split") & can_be_split(pl.col("ratio")))
    if found.height < 2:  # in the days of one scan there is hardly ever one
        return found
    return found.unique(["symbol", "ex_date"], keep="first", maintain_order=True)
