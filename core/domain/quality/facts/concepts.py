"""Which fact stands for which item: of all that may, the first tag of a period, or what agrees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from core.domain.quality.facts.agreeing import preferred
from core.domain.quality.facts.arrays import Flags, Numbers, equal_any
from core.domain.quality.facts.measures import UNIT_KINDS, carriers, currencies
from core.domain.quality.facts.packing import as_index, as_int, begins, ordered, packed, spread
from core.domain.quality.model import Ruleset

Small = np.ndarray[Any, np.dtype[np.uint8]]
MONEY, PER_SHARE = UNIT_KINDS.index("money"), UNIT_KINDS.index("per_share")


@dataclass(frozen=True, slots=True)
class Known:
    """Facts that may carry an item: arrays with one entry for each fact and item."""

    row: Numbers
    fid: Numbers
    place: Numbers  # row of `table`
    given: Small  # kind of unit that it has, and that it should have
    kind: Small
    home: Flags  # whether it is in the currency of its filing, or in that per share
    table: pl.DataFrame  # measures that may carry an item
    units: pl.Series  # by their code
    main: Numbers  # the code of the currency of each filing; -1 where it gives no amounts


def know(
    fid: Numbers,
    number: Numbers,
    measures: pl.DataFrame,
    units: pl.Series,
    filings: int,
    rules: Ruleset,
) -> Known:
    """The known facts among all, from the filing and the measure of each."""
    table = carriers(measures, rules)
    row, place = _carrying(number, table["measure"].to_numpy(), measures.height)
    fid, kind = fid[row], table["kind"].to_numpy()[place]
    given, code = table["given"].to_numpy()[place], table["code"].to_numpy()[place]
    main, amounts = _main_units(fid, code, given == MONEY, (filings, len(units)))
    # Data sets without units per share give plain currencies for them: taken as meant.
    stated = np.zeros(filings, bool)
    stated[fid[given == PER_SHARE]] = True
    meant = ~stated[fid] & (kind == PER_SHARE) & (given == MONEY)
    given = np.where(meant, np.uint8(PER_SHARE), given)
    home = currencies(units)[code] == main[fid]
    return Known(row, fid, place, given, kind, home, table, units, np.where(amounts, main, -1))


def _carrying(number: Numbers, of: Any, measures: int) -> tuple[Numbers, Numbers]:
    """(row, place): every fact with every row of the table that has its measure."""
    times = np.bincount(of, minlength=measures)
    begin = np.cumsum(times) - times
    rows = np.flatnonzero(times[number])
    often = times[number[rows]]
    first = begin[number[rows]]
    return np.repeat(rows, often), spread(first, first + often)


def _main_units(fid: Any, code: Any, money: Flags, shape: tuple[int, int]) -> tuple[Numbers, Flags]:
    """(the unit that most amounts of each filing are in, whether it has any)."""
    both = fid[money].astype(np.int64) * shape[1] + code[money]
    counts = np.bincount(both, minlength=shape[0] * shape[1]).reshape(shape)
    if not shape[1]:
        return np.zeros(shape[0], np.int64), np.zeros(shape[0], bool)
    main: Numbers = counts.argmax(axis=1)
    return main, counts.sum(axis=1) > 0


def choose(facts: pl.DataFrame, known: Known, rules: Ruleset) -> pl.DataFrame:
    """fid, item, start, end, value, row, rank, number: which fact is the item of a period.

    The first tag reported, or where values differ the one that agrees with what stands beside it.
    In order of fid, item (its place is `number`), start (null first) and end. What is no number
    (NaN, infinite) counts as not reported.
    """
    instant, rank = (known.table[name].to_numpy() for name in ("instant", "rank"))
    fits = np.isnat(facts["period_start"].to_numpy())[known.row] == instant[known.place]
    abroad = equal_any(known.given, (MONEY, PER_SHARE)) & ~known.home
    fits &= (known.given == known.kind) & ~(abroad & (known.main[known.fid] >= 0))
    fits &= np.isfinite(facts["value"].to_numpy()[known.row])
    row, place = known.row[fits], known.place[fits]
    item, rank = known.table["item"].to_numpy()[place], rank[place]
    stated = facts[["period_start", "period_end", "value", "seq"]][as_index(row)]
    days = (as_int(stated["period_start"]), as_int(stated["period_end"]))
    period = packed([known.fid[fits], item, *days])
    order = ordered(packed([period, rank, as_int(stated["seq"])]))
    begin = begins(period[order])
    first, group = order[begin], np.cumsum(begin) - 1
    span = (known.fid[fits], *days)
    amount = stated["value"].to_numpy()
    first = preferred(first, order, group, item, rank, span, amount, rules)
    start, end, value = stated[["period_start", "period_end", "value"]][as_index(first)]
    chosen = pl.DataFrame([
        pl.Series("fid", known.fid[fits][first]), _names(rules)[as_index(item[first])],
        start.alias("start"), end.alias("end"), value, pl.Series("row", row[first], pl.UInt32),
        pl.Series("rank", rank[first]), pl.Series("number", item[first]),
    ])  # fmt: skip
    return _without_all_assets(chosen, rules)


def _without_all_assets(chosen: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """What was chosen but for net assets as equity that are all assets, where something is owed."""
    parent = rules.items.get("EquityParent")
    if parent is None or NET_ASSETS not in parent.tags:
        return chosen
    number, rank = chosen["number"].to_numpy(), chosen["rank"].to_numpy()
    net = (number == list(rules.items).index("EquityParent")) & (
        rank == parent.tags.index(NET_ASSETS)
    )
    if not net.any():
        return chosen
    some = chosen.filter(net)
    sheets = chosen.join(some, on=["fid", "end"], how="semi")
    all_assets = sheets.filter(pl.col("item") == "Assets").select("fid", "end", "value")
    owing = sheets.filter(pl.col("item").cast(pl.String).is_in(OWED), pl.col("value") != 0)
    gross = some.join(all_assets, on=["fid", "end", "value"], how="semi").join(
        owing, on=["fid", "end"], how="semi"
    )
    return chosen.filter(~pl.col("row").is_in(gross["row"].implode()))


NET_ASSETS = "AssetsNet"
OWED = ("Liabilities", "LiabilitiesCurrent", "LiabilitiesNoncurrent")


@lru_cache(maxsize=4)
def _names(rules: Ruleset) -> pl.Series:
    """The items by their places."""
    return pl.Series("item", list(rules.items), pl.Enum(list(rules.items)))
