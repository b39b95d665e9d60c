"""A status in a sentence that names what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from core.domain.quality.status.names import AMENDED, RESTATED, SUPERSEDED, WITHDRAWN

MOST_NAMED = 3
WIDEST = ("latest", "apart", "period_end", "headline", "period_start", "old", "new")
SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def told(
    rows: pl.DataFrame, reports: pl.DataFrame, notices: pl.DataFrame, changes: pl.DataFrame
) -> pl.DataFrame:
    """Rows (rid, status, since, by, notice, inferred, count, of) with cik, accession, reason and
    by_accession: the filing that the status comes from; null for one that stands as filed.
    """
    by = reports.select(
        by="rid", by_form="form", by_filed="filed", source="accession", by_period="period"
    )
    said = notices.select("notice", notice_form="form", notice_filed="filed",
                          notice_accession="accession")  # fmt: skip
    listed = reports.select("rid", "cik", "accession", "form")
    frame = (
        rows.join(listed, on="rid", how="left", maintain_order="left")
        .join(by, on="by", how="left", maintain_order="left")
        .join(said, on="notice", how="left", maintain_order="left")
        .join(_named(changes), on=["rid", "by"], how="left", maintain_order="left")
    )
    reasons = [reason(row) for row in frame.iter_rows(named=True)]
    return frame.with_columns(
        reason=pl.Series(reasons, dtype=pl.String),
        by_accession=pl.coalesce("notice_accession", "source"),
    )


def _named(changes: pl.DataFrame) -> pl.DataFrame:
    """Of each filing and each that told it otherwise the changes in words, the widest first."""
    apart = (pl.col("new") - pl.col("old")).abs() / pl.col("old").abs().clip(0.01)
    latest = pl.col("period_end") == pl.col("period_end").max().over("rid", "by")
    return (
        changes.filter(pl.col("new") != pl.col("old"))
        .with_columns(apart=apart, latest=latest)
        .sort(*WIDEST, descending=[name in WIDEST[:3] for name in WIDEST])
        .group_by("rid", "by", maintain_order=True)
        .agg(pl.col("headline", "old", "new").head(12), changed=pl.len())
    )


def reason(row: Mapping[str, Any]) -> str | None:
    """The sentence of one row of `told`; null for a filing that stands as filed."""
    status = row["status"]
    if status == WITHDRAWN:
        return _withdrawn(row)
    if status == SUPERSEDED:
        return f"superseded by the {_by(row)}"
    if status == AMENDED:
        figures = _figures(row)
        return f"amended by the {_by(row)}" + (
            f": {figures}" if figures else ", no headline changed"
        )
    if status == RESTATED:
        return _restated(row)
    return None


def _by(row: Mapping[str, Any]) -> str:
    return f"{row['by_form']} of {row['by_filed']} ({row['source']})"


def _withdrawn(row: Mapping[str, Any]) -> str:
    notice = f"{row['notice_form']} of {row['notice_filed']} ({row['notice_accession']})"
    said = f"withdrawn by item 4.02 of the {notice}"
    if row["inferred"] == "year":
        return (
            f"{said}; which reports it means is not told by figures, so those since the last "
            "audited year are taken"
        )
    figures = _figures(row)
    verb = "amended" if row["inferred"] == "amended" else "told otherwise"
    return f"{said}; inferred from figures {verb} in the {_by(row)}" + (
        f": {figures}" if figures else ""
    )


def _restated(row: Mapping[str, Any]) -> str:
    figures = _figures(row)
    if figures:
        return f"restated later by the {_by(row)}: {figures}"
    return (
        f"restated later by the {_by(row)}: {row['count']:,} of the {row['of']:,} amounts that it "
        "was first to tell, no headline among them"
    )


def _figures(row: Mapping[str, Any]) -> str:
    """Headlines with the old and the new value, each headline once."""
    seen: dict[str, str] = {}
    for name, old, new in zip(*(row[n] or () for n in ("headline", "old", "new")), strict=True):
        seen.setdefault(name, f"{name} {number(old)} → {number(new)}")
    named = list(seen.values())[:MOST_NAMED]
    more = (row["changed"] or 0) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 and named else "")


def number(value: float) -> str:
    """8.5 million, -0.53, 1,234: as short as it can be told apart."""
    size = abs(value)
    for least, name in SCALES:
        if size >= least:
            return f"{_short(value / least)} {name}"
    return _short(value)


def _short(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"
