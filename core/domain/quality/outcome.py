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


Fids = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """judged: fids that the rule could judge; failed: one row a failure, columns of FAILED."""

    rule: str
    judged: Fids
    failed: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Judged:
    """judged: fid, rule, ok (one row each); failed: one row a failure, columns of FAILED."""

    judged: pl.DataFrame
    failed: pl.DataFrame


NOTHING = pl.DataFrame(schema=FAILED)


def outcome(rule: str, judged: Any, failed: pl.DataFrame = NOTHING) -> Outcome:
    """An outcome of the fids that could be judged (each any number of times) and what failed.

    A rule tells its failures in words only where there are any: to plan the sentence takes longer
    than to judge a company.
    """
    if failed.is_empty():
        return Outcome(rule, np.unique(judged), NOTHING)
    failed = failed.with_columns(rule=pl.lit(rule))
    return Outcome(rule, np.unique(judged), shaped(failed))


def shaped(failed: pl.DataFrame) -> pl.DataFrame:
    """The columns of FAILED; those that a rule does not give are null."""
    given = set(failed.columns)
    return failed.select(
        (pl.col(name) if name in given else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in FAILED.items()
    )


def joined(outcomes: Sequence[Outcome]) -> Judged:
    """All outcomes as one: what failed was judged, and is not ok."""
    failed = pl.concat([NOTHING, *(o.failed for o in outcomes if o.failed.height)])
    wrong = _numbered([o.failed["fid"].to_numpy() for o in outcomes])
    both = np.union1d(_numbered([o.judged for o in outcomes]), wrong)
    rules = pl.Series("rule", [o.rule for o in outcomes], pl.String)
    judged = pl.DataFrame([
        pl.Series("fid", (both % 2**32).astype(np.uint32)), rules[both // 2**32],
        pl.Series("ok", ~np.isin(both, wrong)),
    ])  # fmt: skip
    return Judged(judged, failed)


def _numbered(fids: Sequence[Fids]) -> Any:
    """One number for each rule (its place) and filing."""
    return np.concatenate(
        [np.zeros(0, np.int64), *(fid + np.int64(n) * 2**32 for n, fid in enumerate(fids))]
    )


def number(value: pl.Expr) -> pl.Expr:
    """A number as people write it: 1,234,567 or -0.25."""
    whole = value.abs().round(0).cast(pl.Int128, strict=False).cast(pl.String)
    grouped = whole.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse()
    small = value.abs().round(4).cast(pl.String)
    fractional = (value.abs() < 1e4) & (value.abs() % 1 != 0)
    text = pl.when(fractional).then(small).otherwise(grouped.str.strip_chars_start(","))
    return pl.when(value < 0).then(pl.lit("-") + text).otherwise(text)


def unlike(found: pl.DataFrame, other: str, middle: str, tail: str) -> pl.DataFrame:
    """Values (item, value, row) told beside what they are unlike, a column (with its `was_row`)."""
    rows = [name for name in ("row", "was_row") if name in found.columns]
    return found.with_columns(
        expected=other, actual="value", rows=pl.concat_list(rows).list.drop_nulls(),
        message=pl.concat_str(
            pl.col("item").cast(pl.String), pl.lit(" is "), number(pl.col("value")),
            pl.lit(middle), number(pl.col(other)), pl.lit(tail),
        ),
    )  # fmt: skip


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
