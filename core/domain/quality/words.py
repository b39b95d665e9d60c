"""What failed, told in sentences: items and numbers as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from string import Formatter
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True, slots=True)
class FindingText:
    """Failures, and the sentence that tells them: columns of the frame stand in braces."""

    frame: pl.DataFrame
    sentence: str

    @property
    def named(self) -> list[str]:
        """The columns of numbers that the sentence names."""
        schema, pieces = self.frame.schema, _pieces(self.sentence)
        return [name for _, name in pieces if name and schema[name].is_numeric()]


@lru_cache(maxsize=256)
def _pieces(sentence: str) -> list[tuple[str, str | None]]:
    """Each text of a sentence with the column that comes after it."""
    return [(text, name) for text, name, _, _ in Formatter().parse(sentence)]


def messages(told: Sequence[FindingText]) -> list[pl.Series]:
    """The sentences of each row of several frames. All are written at once: to plan how numbers
    are written takes longer than to write them.
    """
    written, height = _written(told), [said.frame.height for said in told]
    parts = [_parts(said, known) for said, known in zip(told, written, strict=True)]
    most = max((len(part) for part in parts), default=0)
    filled = [
        [*part, *[same("", rows)] * (most - len(part))]
        for part, rows in zip(parts, height, strict=True)
    ]
    stacked = [pl.concat(column) for column in zip(*filled, strict=True)]
    stacked = [column.alias(str(n)) for n, column in enumerate(stacked)]
    if not stacked:
        return [same("", rows) for rows in height]
    texts = pl.DataFrame(stacked).select(pl.concat_str(pl.all())).to_series()
    begin = np.cumsum(height) - height
    return [texts.slice(first, rows) for first, rows in zip(begin, height, strict=True)]


def _written(told: Sequence[FindingText]) -> list[dict[str, pl.Series]]:
    """Of each frame the columns of numbers that its sentence names, as they are written."""
    columns = [(said.frame[name], n, name) for n, said in enumerate(told) for name in said.named]
    written: list[dict[str, pl.Series]] = [{} for _ in told]
    if not columns:
        return written
    stacked = pl.concat([column.cast(pl.Float64).alias("value") for column, _, _ in columns])
    texts, begin = stacked.to_frame().select(number("value")).to_series(), 0
    for column, n, name in columns:
        written[n][name] = texts.slice(begin, len(column))
        begin += len(column)
    return written


def _parts(said: FindingText, written: dict[str, pl.Series]) -> list[pl.Series]:
    """The texts of a sentence and the columns between them, of every row."""
    parts = []
    for text, name in _pieces(said.sentence):
        parts.append(same(text, said.frame.height))
        if name:
            known = written.get(name)
            parts.append(said.frame[name].cast(pl.String) if known is None else known)
    return parts


def same(value: Any, rows: int) -> pl.Series:
    """One value in every row."""
    return pl.Series([value]).new_from_index(0, rows)


def with_columns_from(frame: pl.DataFrame, **columns: Any) -> pl.DataFrame:
    """A frame with more columns: those of another name, arrays, or one value in every row.

    What no query is needed for: to plan one takes longer than to judge a company.
    """
    more = [_column(frame, name, given) for name, given in columns.items()]
    kept = [name for name in frame.columns if name not in columns]
    return (frame if len(kept) == frame.width else frame[kept]).hstack(more)


def _column(frame: pl.DataFrame, name: str, given: Any) -> pl.Series:
    if isinstance(given, str):
        return frame[given].alias(name)
    if isinstance(given, pl.Series):
        return given.alias(name)
    if isinstance(given, np.ndarray):
        return pl.Series(name, given)
    return same(given, frame.height).alias(name)


def facts_of(frame: pl.DataFrame, *names: str) -> pl.Series:
    """The facts (rows) that some columns name, as a list in each row, without nulls."""
    columns = [frame[name] for name in names]
    if any(column.null_count() for column in columns):
        return frame.select(pl.concat_list(names).list.drop_nulls()).to_series()
    rows = np.column_stack([column.to_numpy() for column in columns])
    return pl.Series(rows, dtype=pl.Array(pl.UInt32, len(names))).cast(pl.List(pl.UInt32))


@cache
def number(name: str) -> pl.Expr:
    """The numbers of a column as people write them: 1,234,567 or -0.25."""
    value = pl.col(name)
    whole = value.abs().round(0).cast(pl.Int128, strict=False).cast(pl.String)
    grouped = whole.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse()
    small = value.abs().round(4).cast(pl.String)
    fractional = (value.abs() < 1e4) & (value.abs() % 1 != 0)
    text = pl.when(fractional).then(small).otherwise(grouped.str.strip_chars_start(","))
    return pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit("")) + text


def contrast(found: pl.DataFrame, other: str, middle: str, tail: str) -> FindingText:
    """Values (item, value, row) told beside what they are unlike, a column (with its `was_row`)."""
    rows = [name for name in ("row", "was_row") if name in found.columns]
    told = with_columns_from(found, expected=other, actual="value", rows=facts_of(found, *rows))
    return FindingText(told, f"{{item}} is {{actual}}{middle}{{expected}}{tail}")


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
    "RevenuesOfTrade": "revenue of its trade",
    "RevenuesOfPart": "revenue of a kind",
    "CashChangeExFx": "change in cash before exchange effects",
    "CashEnd": "cash at the end",
    "CashBegin": "cash at the beginning",
    "CashRestrictedEnd": "cash with restricted cash at the end",
    "CashRestrictedBegin": "cash with restricted cash at the beginning",
    "CashWithSoldEnd": "cash with that held for sale at the end",
    "CashWithSoldBegin": "cash with that held for sale at the beginning",
    "CashHeldForSaleEnd": "cash held for sale at the end",
    "CashHeldForSaleBegin": "cash held for sale at the beginning",
    "CashWithFunds": "cash with federal funds sold",
    "DepositsInBanks": "deposits in banks",
    "FundsSold": "federal funds sold",
    "EpsBasic": "basic earnings per share",
    "EpsDiluted": "diluted earnings per share",
    "EpsContinuing": "diluted earnings per share of continuing operations",
    "SharesBasic": "basic weighted shares",
    "SharesDiluted": "diluted weighted shares",
    "Oci": "other comprehensive income",
    "OciParent": "the parent's other comprehensive income",
    "Comprehensive": "comprehensive income",
    "ComprehensiveAll": "comprehensive income of all owners",
    "ComprehensiveNci": "the noncontrolling share of comprehensive income",
    "CoverShares": "shares on the cover",
}
