"""The facts that findings rest on: those they name, and those that stand for their items."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from core.domain.quality.facts.arrays import Numbers
from core.domain.quality.facts.packing import (
    NO_DAY,
    as_index,
    dated,
    found_rows,
    gathered,
    matched,
    packed,
)
from core.domain.quality.facts.table import PeriodTable
from core.domain.quality.model import CASH, Ruleset


def used(book: PeriodTable, failed: pl.DataFrame) -> pl.Series:
    """The facts behind every finding, as lists of structs; null where it rests on none."""
    if failed.is_empty():
        return pl.Series("facts", [], dtype=pl.List(_stated(book, np.zeros(0, np.int64)).dtype))
    place = pl.Series("finding", np.arange(failed.height))
    direct = failed[["rows"]].hstack([place]).explode("rows").drop_nulls()
    named = _looked_up(book, failed[["fid", "start", "end", "items"]].hstack([place]))
    finding, row = (
        np.concatenate([direct[name].to_numpy().astype(np.int64), rest])
        for name, rest in zip(("finding", "rows"), named, strict=True)
    )
    once = np.sort(np.unique(packed([finding, row]), return_index=True)[1])
    once = once[np.argsort(finding[once], kind="stable")]
    facts = pl.DataFrame([pl.Series("finding", finding[once]), _stated(book, row[once])])
    lists = facts.group_by("finding", maintain_order=True).agg("facts")
    found = np.full(failed.height, -1)
    found[lists["finding"].to_numpy()] = np.arange(lists.height)
    return gathered(lists[["facts"]], found).to_series()


def _stated(book: PeriodTable, rows: Numbers) -> pl.Series:
    """Some facts as structs."""
    columns = {
        "concept": "concept", "unit": "unit", "start": "period_start", "end": "period_end",
        "value": "value", "accession": "accession",
    }  # fmt: skip
    facts = book.facts[list(columns.values())][as_index(rows)]
    return pl.DataFrame([facts[c].alias(n) for n, c in columns.items()]).to_struct("facts")


def _looked_up(book: PeriodTable, failed: pl.DataFrame) -> tuple[Numbers, Numbers]:
    """(findings, rows): the facts that stand for the items that findings name."""
    names = failed.explode("items")
    standing, hashes = _standing(book.rules)
    left, right = matched(names["items"].hash().to_numpy(), hashes)
    named, standing = names[as_index(left)], standing[as_index(right)]
    fid = named["fid"].to_numpy()
    concerned = np.flatnonzero(np.isin(book.fid, fid))
    start, end = dated(named["start"]), dated(named["end"])
    # Balances stand at the end or on the day before the start.
    end = np.where(standing["begin"].to_numpy(), start - 1, end)
    start = np.where(standing["point"].to_numpy(), NO_DAY, start)
    starts = dated(book.long["start"][as_index(concerned)])
    stated = (book.fid[concerned], book.item[concerned], starts, book.end[concerned])
    place = found_rows(stated, (fid, standing["item"].to_numpy(), start, end))
    order = np.argsort(place, kind="stable")
    order = order[place[order] >= 0]
    rows = book.long["row"].to_numpy()[concerned[place[order]]]
    return named["finding"].to_numpy()[order], rows.astype(np.int64)


SIDES = {"End": False, "Begin": True}


@lru_cache(maxsize=4)
def _standing(rules: Ruleset) -> tuple[pl.DataFrame, Numbers]:
    """The items that the names in findings stand for, and the hashes of these names.

    The frame has name, item (its place), point and begin.
    """
    places = {name: place for place, name in enumerate(rules.items)}
    rows = [(name, place, False, False) for name, place in places.items()]
    rows += [("Equity", places[name], False, False) for name in ("EquityAll", "EquityParent")]
    rows += [
        (f"{name}{side}", places[name], True, begin)
        for name in CASH
        for side, begin in SIDES.items()
    ]
    schema = {"name": pl.String, "item": pl.UInt8, "point": pl.Boolean, "begin": pl.Boolean}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table, table["name"].hash().to_numpy()
