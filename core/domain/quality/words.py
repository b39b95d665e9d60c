"""What failed, told in sentences: items and numbers as people write them."""

from __future__ import annotations

from functools import cache
from string import Formatter

import polars as pl


def say(frame: pl.DataFrame, sentence: str) -> pl.DataFrame:
    """Adds `message`, the sentence."""
    return frame.with_columns(message=spoken(frame, sentence))


def spoken(frame: pl.DataFrame, sentence: str) -> pl.Expr:
    """The sentence, with the values of the columns of the frame that it names in braces."""
    pieces = list(Formatter().parse(sentence))
    schema = frame.schema
    named = {name for _, name, _, _ in pieces if name and schema[name].is_numeric()}
    written = _written(frame.select(sorted(named))) if named else {}
    parts = []
    for text, name, _, _ in pieces:
        parts.append(pl.lit(text))
        if name:
            parts.append(pl.lit(written[name]) if name in written else pl.col(name).cast(pl.String))
    return pl.concat_str(parts)


def _written(numbers: pl.DataFrame) -> dict[str, pl.Series]:
    """Columns of numbers as texts: all at once, for to plan it takes longer than to do it."""
    stacked = pl.concat([column.cast(pl.Float64).alias("value") for column in numbers])
    texts = stacked.to_frame().select(number("value")).to_series()
    height = numbers.height
    return {
        name: texts.slice(n * height, height).alias(name) for n, name in enumerate(numbers.columns)
    }


@cache
def number(name: str) -> pl.Expr:
    """The numbers of a column as people write them: 1,234,567 or -0.25."""
    value = pl.col(name)
    whole = value.abs().round(0).cast(pl.Int128, strict=False).cast(pl.String)
    grouped = whole.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse()
    small = value.abs().round(4).cast(pl.String)
    fractional = (value.abs() < 1e4) & (value.abs() % 1 != 0)
    text = pl.when(fractional).then(small).otherwise(grouped.str.strip_chars_start(","))
    return pl.when(value < 0).then(pl.lit("-") + text).otherwise(text)


def unlike(found: pl.DataFrame, other: str, middle: str, tail: str) -> pl.DataFrame:
    """Values (item, value, row) told beside what they are unlike, a column (with its `was_row`)."""
    rows = [name for name in ("row", "was_row") if name in found.columns]
    told = say(found, f"{{item}} is {{value}}{middle}{{{other}}}{tail}")
    return told.with_columns(
        expected=other, actual="value", rows=pl.concat_list(rows).list.drop_nulls()
    )


def words(item: str) -> str:
    """An item's name in words: EquityAll -> equity all."""
    return SPOKEN.get(item) or "".join(f" {c.lower()}" if c.isupper() else c for c in item).strip()


SPOKEN = {
    "LiabilitiesAndEquity": "liabilities and equity",
    "EquityAll": "equity with noncontrolling interests",
    "EquityParent": "the parent's equity",
    "Equity": "equity",
    "ProfitLoss": "profit of all owners",
    "NetIncome": "net income of the parent",
    "NciIncome": "the noncontrolling share",
    "RedeemableNci": "redeemable noncontrolling interest",
    "RedeemableNciIncome": "the redeemable noncontrolling share",
    "Cfo": "operating cash flow",
    "Cfi": "investing cash flow",
    "Cff": "financing cash flow",
    "CfoContinuing": "continuing operating cash flow",
    "CfiContinuing": "continuing investing cash flow",
    "CffContinuing": "continuing financing cash flow",
    "CfoDiscontinued": "discontinued operating cash flow",
    "IncomeContinuingAll": "continuing income of all owners",
    "IncomeContinuing": "continuing income",
    "PretaxIncome": "pretax income",
    "Fx": "exchange effect",
    "CashChange": "change in cash",
    "CashChangeRestricted": "change in cash (with restricted cash)",
    "CashChangeExFx": "change in cash before exchange effects",
    "CashEnd": "cash at the end",
    "CashBegin": "cash at the beginning",
    "CashRestrictedEnd": "cash with restricted cash at the end",
    "CashRestrictedBegin": "cash with restricted cash at the beginning",
    "EpsBasic": "basic earnings per share",
    "EpsDiluted": "diluted earnings per share",
    "SharesBasic": "basic weighted shares",
    "SharesDiluted": "diluted weighted shares",
    "Oci": "other comprehensive income",
    "OciParent": "the parent's other comprehensive income",
    "Comprehensive": "comprehensive income",
    "ComprehensiveAll": "comprehensive income of all owners",
    "ComprehensiveNci": "the noncontrolling share of comprehensive income",
    "CoverShares": "shares on the cover",
}
