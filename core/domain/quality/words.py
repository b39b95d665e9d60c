"""What failed, told in sentences: items and numbers as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter

import polars as pl


@dataclass(frozen=True, slots=True)
class Said:
    """Failures, and the sentence that tells them: columns of the frame stand in braces."""

    frame: pl.DataFrame
    sentence: str

    @property
    def named(self) -> list[str]:
        """The columns of numbers that the sentence names."""
        schema, pieces = self.frame.schema, Formatter().parse(self.sentence)
        return [name for _, name, _, _ in pieces if name and schema[name].is_numeric()]

    def message(self, written: Mapping[str, pl.Series]) -> pl.Expr:
        """The sentence of each row, with its numbers as they are written."""
        parts = []
        for text, name, _, _ in Formatter().parse(self.sentence):
            parts.append(pl.lit(text))
            if name:
                known = written.get(name)
                parts.append(pl.col(name).cast(pl.String) if known is None else pl.lit(known))
        return pl.concat_str(parts)


def messages(told: Sequence[Said]) -> list[pl.Expr]:
    """The sentences of several frames. All their numbers are written at once: to plan how they are
    written takes longer than to write them.
    """
    columns = [
        (said.frame[name].cast(pl.Float64).rename("value"), n, name)
        for n, said in enumerate(told)
        for name in said.named
    ]
    stacked = pl.concat([pl.Series("value", [], pl.Float64), *(column for column, _, _ in columns)])
    texts, begin = stacked.to_frame().select(number("value")).to_series(), 0
    written: list[dict[str, pl.Series]] = [{} for _ in told]
    for column, n, name in columns:
        written[n][name] = texts.slice(begin, len(column)).alias(name)
        begin += len(column)
    return [said.message(known) for said, known in zip(told, written, strict=True)]


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


def unlike(found: pl.DataFrame, other: str, middle: str, tail: str) -> Said:
    """Values (item, value, row) told beside what they are unlike, a column (with its `was_row`)."""
    rows = [name for name in ("row", "was_row") if name in found.columns]
    told = found.with_columns(
        expected=other, actual="value", rows=pl.concat_list(rows).list.drop_nulls()
    )
    return Said(told, f"{{item}} is {{actual}}{middle}{{expected}}{tail}")


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
