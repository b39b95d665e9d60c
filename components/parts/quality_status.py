"""What became of one filing: its status in words, and the headlines told otherwise."""

from __future__ import annotations

from datetime import date

import polars as pl
import streamlit as st

from components.kit import badges, formats, once, shell, tables
from components.kit import saved_views as views
from components.parts import glossary
from core.domain.filings import edgar
from core.service.filings import quality

CHANGES = {
    "headline": "Headline",
    "value": "First told",
    "right_value": "Told later",
    "unit": "Unit",
    "period_start": "From",
    "period_end": "To",
    "by_form": "In form",
    "told_on": "Filed",
    "concept": "Concept as reported",
    "url": "EDGAR",
}


def status(view: quality.FilingView) -> None:
    """What became of the filing, with the headlines that were told otherwise."""
    row = view.grade
    if row["status_reason"]:
        tell = st.error if row["status"] == "withdrawn" else st.warning
        tell(f"{sentence(badges.plain(row['status_reason']))} Known since "
             f"{formats.day(since(view))}.")  # fmt: skip
    if view.changes.is_empty():
        return
    box = st.expander(told_otherwise(view.changes), on_change="rerun",
                      key=f"changes_{row['accession']}")  # fmt: skip
    if views.is_open(box):
        with box:
            _changes(view)


def told_otherwise(changes: pl.DataFrame) -> str:
    """`2 headlines told otherwise later, one of them as first again`: of CHANGES."""
    figure = ["headline", "concept", "unit", "period_start", "period_end"]
    last = changes.sort("told_on").unique(figure, keep="last", maintain_order=True)
    again = last.filter(pl.col("old") == pl.col("new")).height
    count = "One headline" if last.height == 1 else f"{last.height} headlines"
    back = "" if not again else ", and as first again" if again == last.height else (
        f", {'one' if again == 1 else again} of them as first again"
    )  # fmt: skip
    return f"{count} told otherwise later{back}"


def revision_risk(view: quality.FilingView) -> None:
    """How likely later reports tell its figures otherwise, and why; nothing where not reckoned."""
    row = view.grade
    if row["revision_risk"] is None:
        return
    share = formats.pct(100 * row["revision_risk"], 0, signed=False)
    why = "; ".join(badges.plain(reason) for reason in row["revision_reasons"] or [])
    st.markdown(f"Revision risk **{share}**: {why}.", help=glossary.meaning("Revision risk"))


def since(view: quality.FilingView) -> date:
    """The first day of the status that the filing has: how it was inferred may be younger."""
    last: date = view.grade["status_since"]
    for row in reversed(view.statuses.rows(named=True)):
        if row["status"] != view.grade["status"]:
            break
        last = row["since"]
    return last


def _changes(view: quality.FilingView) -> None:
    cik = view.grade["cik"]
    rows = once.cached_for_object(view.changes, lambda: _linked(view.changes, cik), "linked")
    tables.show(rows, CHANGES, alt="Headlines with the old and the new value", rows=12)
    name = f"changes-{view.grade['accession']}.csv"
    shell.export_button("CSV", lambda: view.changes, name, key="changes_csv")


def _linked(changes: pl.DataFrame, cik: int) -> pl.DataFrame:
    by = changes.select(cik=pl.lit(cik), accession="by_accession")
    url = by.select(url=edgar.filing_expr())["url"]
    return changes.rename({"old": "value", "new": "right_value"}).with_columns(url)


def sentence(text: str) -> str:
    """The text with a capital at its beginning and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:]}."
