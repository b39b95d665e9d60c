"""What a rule says: which filings it could judge, and each failure with its numbers and facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Flags, Numbers
from core.domain.quality.facts.packing import as_index
from core.domain.quality.words import FindingText, messages, same, with_columns_from

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
    told: tuple[FindingText, ...]  # its failures, one row each


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
            [pl.Series("fid", self.fid), names[as_index(self.rule)], pl.Series("ok", self.ok)]
        )


def outcome(rule: str, judged: Numbers, *told: FindingText) -> Outcome:
    """An outcome of the fids that could be judged (each any number of times) and what failed.

    The frames told have columns of FAILED (those that they lack are null). A rule makes them only
    where anything failed: to plan such a frame takes longer than to judge a company.
    """
    return Outcome(rule, judged, tuple(said for said in told if said.frame.height))


def within(found: Outcome, filings: Flags) -> Outcome:
    """What a rule found of some of the filings."""
    told = [(said, filings[said.frame["fid"].to_numpy()]) for said in found.told]
    kept = (
        FindingText(said.frame.filter(some), said.sentence) for said, some in told if some.any()
    )
    return outcome(found.rule, found.judged[filings[found.judged]], *kept)


def joined(outcomes: Sequence[Outcome], filings: int) -> Judged:
    """All outcomes as one: what failed was judged, and is not ok."""
    told = [said for o in outcomes for said in o.told]
    rules = [o.rule for o in outcomes for _ in o.told]
    pieces = [_shaped(*one) for one in zip(rules, told, messages(told), strict=True)]
    failed = pl.concat([pl.DataFrame(schema=FAILED), *pieces], how="diagonal")
    judged, wrong = np.zeros((2, len(outcomes), filings), bool)
    for n, o in enumerate(outcomes):
        judged[n, o.judged] = True
        for said in o.told:
            wrong[n, said.frame["fid"].to_numpy()] = True
    rule, fid = np.nonzero(judged | wrong)
    ok = ~wrong[rule, fid]
    return Judged([o.rule for o in outcomes], fid.astype(np.uint32), rule, ok, failed)


def _shaped(rule: str, said: FindingText, message: pl.Series) -> pl.DataFrame:
    """The columns of FAILED that a rule gives."""
    told = with_columns_from(said.frame, rule=same(rule, len(message)), message=message)
    return pl.DataFrame([told[n].cast(dtype) for n, dtype in FAILED.items() if n in told.columns])
