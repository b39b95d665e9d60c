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
    """What one rule found."""

    rule: str
    judged: Numbers  # fids that it could judge, each any number of times
    told: tuple[Said, ...]  # its failures, one row each


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


def outcome(rule: str, judged: Numbers, *told: Said) -> Outcome:
    """An outcome of the fids that could be judged (each any number of times) and what failed.

    The frames told have columns of FAILED (those that they lack are null). A rule makes them only
    where anything failed: to plan such a frame takes longer than to judge a company.
    """
    return Outcome(rule, judged, tuple(said for said in told if said.frame.height))


def joined(outcomes: Sequence[Outcome], filings: int) -> Judged:
    """All outcomes as one: what failed was judged, and is not ok."""
    told = [said for o in outcomes for said in o.told]
    rules = [o.rule for o in outcomes for _ in o.told]
    pieces = [_shaped(*one) for one in zip(rules, told, messages(told), strict=True)]
    failed = pl.concat([pl.DataFrame(schema=FAILED), *pieces])
    judged, wrong = np.zeros((2, len(outcomes), filings), bool)
    for n, o in enumerate(outcomes):
        judged[n, o.judged] = True
        for said in o.told:
            wrong[n, said.frame["fid"].to_numpy()] = True
    rule, fid = np.nonzero(judged | wrong)
    ok = ~wrong[rule, fid]
    return Judged([o.rule for o in outcomes], fid.astype(np.uint32), rule, ok, failed)


def _shaped(rule: str, said: Said, message: pl.Expr) -> pl.DataFrame:
    """The columns of FAILED; those that a rule does not give are null."""
    given = {name: pl.col(name) for name in FAILED if name in said.frame.columns}
    given |= {"rule": pl.lit(rule), "message": message}
    return said.frame.select(
        given[name].cast(dtype).alias(name) if name in given else NONE[name]
        for name, dtype in FAILED.items()
    )


NONE = {name: pl.lit(None).cast(dtype).alias(name) for name, dtype in FAILED.items()}
