"""Captured files as they stood at an instant: nothing that is told in them is later than that.

A day's bars are there from 18:00 in New York on, a minute's once it has ended, a filing from its
acceptance on. Company facts know only the day of their filing: they come the day after.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from core.domain.filings import clock as filing_clock
from core.sandbox.clock import ZONE, moment

DAY_COLUMNS = {"date": "%Y-%m-%d", "DATE": "%Y-%m-%d", "Date": "%Y-%m-%d"}
_ENTRY = re.compile(rb"<entry>.*?</entry>\s*", re.DOTALL)
_UPDATED = re.compile(rb"<updated>([^<]+)</updated>")


def rows_until(csv: bytes, now: datetime) -> bytes:
    """The rows of a captured price CSV that were known at `now`: by its day or `ts_et`."""
    frame = pl.read_csv(csv, infer_schema=False)
    if "ts_et" in frame.columns:
        wall = now.astimezone(ZONE).replace(tzinfo=None)
        ends = pl.col("ts_et").str.to_datetime("%Y-%m-%d %H:%M:%S") + timedelta(minutes=1)
        return frame.filter(ends <= wall).write_csv().encode()
    name = next((column for column in frame.columns if column in DAY_COLUMNS), None)
    if name is None:
        return csv
    day = pl.col(name).str.to_date(DAY_COLUMNS[name], strict=False)
    return frame.filter(day < moment(now).as_of).write_csv().encode()


def actions_until(actions: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Corporate actions up to the coming session."""
    return actions.filter(pl.col("ex_date") <= moment(now).as_of)


def submissions_until(body: bytes, now: datetime) -> bytes:
    """A submissions document, or an older page of one, with the filings accepted by `now`."""
    whole = orjson.loads(body)
    table = whole["filings"]["recent"] if "filings" in whole else whole
    keep = _accepted(table, now)
    for name, cells in table.items():
        table[name] = [cell for cell, kept in zip(cells, keep, strict=True) if kept]
    return orjson.dumps(whole)


def _accepted(table: Mapping[str, list[Any]], now: datetime) -> list[bool]:
    """By the true clock: some captures have Eastern times labelled UTC."""
    frame = pl.DataFrame(
        {
            "cik": [0] * len(table["accessionNumber"]),
            "accession": table["accessionNumber"],
            "form": table["form"],
            "filed": pl.Series(table["filingDate"], dtype=pl.String).str.to_date(strict=False),
            "accepted_at": pl.Series(table["acceptanceDateTime"], dtype=pl.String).str.to_datetime(
                "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False
            ),
        }
    ).unique("accession", keep="first", maintain_order=True)
    true = filing_clock.with_true_clock(frame)
    day_ends = pl.col("filed").cast(pl.Datetime("us", "UTC")) + timedelta(days=1, hours=4)
    at = dict(
        true.select("accession", pl.coalesce("accepted_at", day_ends).alias("at")).iter_rows()
    )
    known = (at[accession] for accession in table["accessionNumber"])
    return [moment_ is not None and moment_ <= now for moment_ in known]


def facts_until(body: bytes, now: datetime) -> bytes:
    """A companyfacts document with the facts filed before the day of `now`."""
    whole = orjson.loads(body)
    today = now.astimezone(ZONE).date().isoformat()
    for concepts in whole["facts"].values():
        for concept in concepts.values():
            for unit, facts in concept["units"].items():
                concept["units"][unit] = [fact for fact in facts if fact["filed"] < today]
    return orjson.dumps(whole)


def feed_until(body: bytes, now: datetime) -> bytes:
    """A page of the feed without the entries after `now`."""
    return _ENTRY.sub(lambda found: found[0] if _told(found[0]) <= now else b"", body)


def _told(entry: bytes) -> datetime:
    found = _UPDATED.search(entry)
    return datetime.fromisoformat(found[1].decode()) if found else datetime.max.replace(tzinfo=UTC)


def index_is_known(name: str, now: datetime) -> bool:
    """Whether the daily index of a name such as form.20200318.idx has been written by `now`."""
    found = re.search(r"\.(\d{4})(\d\d)(\d\d)\.", name)
    return found is None or date(*map(int, found.groups())) < now.astimezone(ZONE).date()
