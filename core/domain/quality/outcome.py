"""What a rule says: which filings it could judge, and each failure with its numbers and facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.arrays import Numbers
from core.domain.quality.words import Said, messages

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
    """judged: fids that the rule could judge; told: its failures, one row each, in words."""

    rule: str
    judged: Numbers
    told: tuple[Said, ...]

    @property
    def wrong(self) -> Numbers:
        """fids of the failures."""
        fids = [said.frame["fid"].to_numpy() for said in self.told]
        return np.concatenate([self.judged[:0], *fids])


@dataclass(frozen=True, slots=True)
class Judged:
    """What every rule said of every filing that it could judge, and each failure."""

    rules: Sequence[str]
    fid: Numbers  # one entry for each rule and filing
    rule: np.ndarray[Any, np.dtype[np.int64]]  # its place among the rules
    ok: np.ndarray[Any, np.dtype[np.bool_]]
    failed: pl.DataFrame  # one row a failure, columns of FAILED

    def frame(self) -> pl.DataFrame:
        """fid, rule, ok."""
        names = pl.Series("rule", self.rules, pl.String)
        return pl.DataFrame(
            [pl.Series("fid", self.fid), names[self.rule], pl.Series("ok", self.ok)]
        )


def outcome(rule: str, judged: Any, *told: Said) -> Outcome:
    """An outcome of the fids that could be judged (each any number of times) and what failed.

    The frames told have columns of FAILED (those that they lack are null). A rule makes them only
    where anything failed: to plan such a frame takes longer than to judge a company.
    """
    return Outcome(rule, np.unique(judged), tuple(said for said in told if said.frame.height))


def joined(outcomes: Sequence[Outcome]) -> Judged:
    """All outcomes as one: what failed was judged, and is not ok."""
    told = [said for o in outcomes for said in o.told]
    rules = [o.rule for o in outcomes for _ in o.told]
    pieces = [_shaped(*one) for one in zip(rules, told, messages(told), strict=True)]
    failed = pl.concat([pl.DataFrame(schema=FAILED), *pieces])
    wrong = _numbered([o.wrong for o in outcomes])
    both = np.union1d(_numbered([o.judged for o in outcomes]), wrong)
    fid, rule, ok = (both % 2**32).astype(np.uint32), both // 2**32, ~np.isin(both, wrong)
    return Judged([o.rule for o in outcomes], fid, rule, ok, failed)


def _numbered(fids: Sequence[Numbers]) -> Any:
    """One number for each rule (its place) and filing."""
    return np.concatenate(
        [np.zeros(0, np.int64), *(fid + np.int64(n) * 2**32 for n, fid in enumerate(fids))]
    )


def _shaped(rule: str, said: Said, message: pl.Expr) -> pl.DataFrame:
    """The columns of FAILED; those that a rule does not give are null."""
    frame = said.frame
    given: dict[str, pl.Expr] = {name: pl.col(name) for name in FAILED if name in frame.columns}
    given |= {"rule": pl.lit(rule), "message": message}
    return frame.select(
        given.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in FAILED.items()
    )
