"""What a rule says: which filings it could judge, and each failure with its numbers and facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

FAILED: dict[str, pl.DataType | type[pl.DataType]] = {
    "fid": pl.UInt32,
    "rule": pl.String,
    "start": pl.Date,
    "end": pl.Date,
    "expected": pl.Float64,
    "actual": pl.Float64,
    "tolerance": pl.Float64,
    "message": pl.String,
    "items": pl.List(pl.String),  # operands: their facts are looked up by (filing, period, item)
    "rows": pl.List(pl.UInt32),  # or the facts themselves
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """judged: fid, rule (what could be judged); failed: one row a failure, columns of FAILED."""

    judged: pl.DataFrame
    failed: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Judged:
    """judged: fid, rule, ok (one row each); failed: one row a failure, columns of FAILED."""

    judged: pl.DataFrame
    failed: pl.DataFrame


NOTHING = pl.DataFrame(schema=FAILED)


def outcome(rule: str, evaluable: pl.DataFrame, failed: pl.DataFrame) -> Outcome:
    """An outcome of the fids that could be judged and the rows that failed."""
    judged = filings(evaluable["fid"].to_numpy(), rule)
    if failed.is_empty():
        return Outcome(judged, NOTHING)
    return Outcome(judged, shaped(failed.with_columns(rule=pl.lit(rule))))


def filings(fids: Any, rule: str) -> pl.DataFrame:
    """fid, rule: one row for each filing of an array; no query, for there are many rules."""
    fid = pl.Series("fid", np.unique(fids), pl.UInt32)
    return pl.DataFrame([fid, pl.Series("rule", [rule]).new_from_index(0, len(fid))])


def shaped(failed: pl.DataFrame) -> pl.DataFrame:
    """The columns of FAILED; those that a rule does not give are null."""
    given = set(failed.columns)
    return failed.select(
        (pl.col(name) if name in given else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in FAILED.items()
    )


def joined(outcomes: Sequence[Outcome]) -> Judged:
    """All outcomes as one: what failed was judged, and is not ok."""
    failed = pl.concat([o.failed for o in outcomes] or [NOTHING])
    wrong = failed.select("fid", "rule").unique().with_columns(ok=pl.lit(value=False))
    judged = pl.concat([o.judged for o in outcomes] or [NOTHING.select("fid", "rule")])
    judged = judged.join(wrong, on=["fid", "rule"], how="anti").with_columns(ok=pl.lit(value=True))
    return Judged(pl.concat([judged, wrong]), failed)


def number(value: pl.Expr) -> pl.Expr:
    """A number as people write it: 1,234,567 or -0.25."""
    whole = value.abs().round(0).cast(pl.Int128, strict=False).cast(pl.String)
    grouped = whole.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse()
    small = value.abs().round(4).cast(pl.String)
    fractional = (value.abs() < 1e4) & (value.abs() % 1 != 0)
    text = pl.when(fractional).then(small).otherwise(grouped.str.strip_chars_start(","))
    return pl.when(value < 0).then(pl.lit("-") + text).otherwise(text)


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
