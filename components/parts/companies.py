"""What the page *Companies* is made of: watch list, filings, facts of one company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from components.charts import base as charts
from components.kit import address, badges, formats, once, reader, shell, tables, theme
from components.kit import saved_views as views
from components.kit.lists import RowLink
from components.parts import glossary, quality
from core.domain.filings.figures import ranked
from core.service.desk import Desk
from core.service.filings import companies

ROWS_SHOWN = 100
WATCHED = {
    "symbol": "Symbol",
    "name": "Company",
    "grade": "Grade",
    "status": "Status",
    "trend": "Last scores",
    "latest_filed": "Latest filing",
    "filings": "Filings",
    "facts": "Facts",
    "cik": "CIK",
}
NOTE = {"note": "Ticker before or since"}
FILINGS = {
    "filed": "Filed",
    "form": "Form",
    "grade": "Grade",
    "status": "Status",
    "accepted_at": "Accepted",
    "report_date": "Period",
    "items": "Items",
    "description": "Document",
    "accession": "Accession",
    "url": "EDGAR",
}
FACTS = {
    "period_start": "From",
    "period_end": "To",
    "value": "Value",
    "unit": "Unit",
    "form": "Form",
    "filed": "Filed",
    "fiscal_year": "Year",
    "fiscal_period": "Period",
    "accession": "Accession",
}
SOUGHT = (
    "RevenueFromContractWithCustomerExcludingAssessedTax",
    "Revenues",
    "NetIncomeLoss",
    "Assets",
    "StockholdersEquity",
)
# Days of a period that count as a quarter or a year: 13 or 14 weeks, 52 or 53 weeks.
SPANS: dict[str, tuple[int, int]] = {"Years": (350, 380), "Quarters": (80, 105), "Instants": (0, 0)}


INPUTS = ("sec.companies", "sec.submissions", "sec.facts")


def watched(desk: Desk) -> pl.DataFrame:
    """The companies followed, counted once per pull and change of the list."""
    key = (*shell.version(desk, *INPUTS), *shell.watched(desk))
    return once.cached(lambda: companies.watch_list(desk), "watched", *key)


def found(desk: Desk, symbol: str) -> dict[str, Any]:
    """The company of a symbol or CIK; NotFoundError when there is none."""
    key = (*shell.version(desk, *INPUTS), symbol)
    return once.cached(
        lambda: companies.company(desk, companies.resolve(desk, [symbol])[0]), "company", *key
    )


def facts_of(desk: Desk, cik: int, concept: str, known: date | None = None) -> pl.DataFrame:
    """The facts of one concept as known on a day, read once per pull."""
    key = (*shell.version(desk, "sec.facts"), cik, concept, known)
    return once.cached(lambda: companies.facts(desk, cik, concept, known), "facts", *key)


def label(row: dict[str, Any]) -> str:
    """What a company is called in the URL: its symbol, or its CIK without one."""
    return str(row["symbol"] or row["cik"])


def labels(watched: pl.DataFrame) -> list[str]:
    """What the companies of the list are called, in its order; a new list at each call."""
    return list(once.cached_for_object(watched, lambda: _labels(watched), "labels"))


def _labels(watched: pl.DataFrame) -> list[str]:
    return [label(row) for row in watched.iter_rows(named=True)]


def watch_list(desk: Desk, watched: pl.DataFrame, key: str) -> None:
    """The companies followed; a picked row becomes the chosen company of the page."""

    def pick(row: dict[str, Any]) -> None:
        st.session_state[key] = label(row)

    graded = quality.of_watched(desk)
    tables.choose(
        shell.cached_until_commit(
            desk,
            lambda: _with_grades(watched, graded),
            *("watched with grades", *watched["cik"]),
        ),
        WATCHED if watched["note"].null_count() == watched.height else WATCHED | NOTE,
        alt="The companies followed, with their filings and facts in the store",
        key=f"{key}_table",
        link=RowLink("companies", key, "name", "label"),
        picked=st.query_params.get(key),
        on_row=pick,
        help={
            "grade": "Of the latest rated filing; pick a filing below to see why.",
            "status": glossary.meaning("Status"),
        },
        rows=8,
    )


def _with_grades(watched: pl.DataFrame, graded: pl.DataFrame) -> pl.DataFrame:
    both = watched.join(graded, on="cik", how="left", maintain_order="left")
    return both.with_columns(label=pl.coalesce("symbol", pl.col("cik").cast(pl.String)))


def follow_more(desk: Desk) -> None:
    """A small box with the line to follow more companies; drawn while it is open."""
    box = st.popover("Follow companies", key="follow_more", on_change="rerun", type="tertiary")
    if views.is_open(box):
        with box:
            follow(desk)


def follow(desk: Desk) -> None:
    """A line to follow companies by ticker or CIK."""
    with (
        st.form("follow", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        names = st.text_input(
            "Follow companies",
            placeholder="tickers or CIKs, with spaces between",
            key="follow_names",
            width=360,
        )
        asked = st.form_submit_button("Follow", **reader.analyst(desk))
    if asked and names.split():
        with shell.guarded("the watch list"):
            added = companies.watch(desk, names.replace(",", " ").split())
            once.forget_lately()
            st.toast(
                f"{len(added)} followed; pull their filings on Datasets",
                icon=":material/check_circle:",
            )
            st.rerun()


def heading(company: dict[str, Any], symbol: str) -> None:
    """Name, number and trade of a company."""
    parts = [f"CIK {company['cik']}"]
    said = (company["sic_description"], (company["category"] or "").replace("<br>", ", "))
    parts += [badges.plain(words) for words in said if words]
    shell.section(badges.plain(company["name"] or symbol), " · ".join(parts))


def stop_following(desk: Desk, cik: int) -> None:
    """A button to take a company off the watch list, where it is on it."""
    if cik in shell.watched(desk) and st.button(
        "Stop following", type="tertiary", **reader.analyst(desk)
    ):
        companies.unwatch(desk, [str(cik)])
        once.forget_lately()
        st.rerun()


def filings(desk: Desk, cik: int, known: date | None) -> None:
    """Filings, newest first, filtered by form, each with its link to EDGAR."""
    key = (*shell.version(desk, "sec.submissions"), cik, known)
    found = once.cached(
        lambda: companies.filings(desk, cik, limit=5000, as_known_on=known), "filings", *key
    )
    if found.is_empty():
        shell.empty("No filings of this company yet.", "Pull sec.submissions.", page="datasets")
        return
    forms = once.cached_for_object(found, lambda: _forms(found), "forms")
    chosen = st.pills(
        "Forms", forms[:12], selection_mode="multi", **address.among("forms", forms[:12])
    )
    shown = found.filter(pl.col("form").is_in(chosen)) if chosen else found
    st.caption(f"{shown.height:,} filings; the latest {min(shown.height, ROWS_SHOWN)} are shown.")
    graded = quality.of_company(desk, cik, known)
    tables.show(
        shell.cached_until_commit(
            desk, lambda: _graded(shown, graded), "filings with grades", cik, known, *chosen
        ),
        FILINGS,
        alt=f"Filings of CIK {cik} with their grades, newest first",
        key="company_filings",
        widths={"form": 110},
        link=RowLink("filing", "filing", "form", "graded", given=(("cik", str(cik)),)),
        help={
            "grade": "Pick the row to see why; forms without figures have none.",
            "status": glossary.meaning("Status"),
        },
    )
    shell.export_button("CSV of these filings", lambda: shown, f"filings-{cik}.csv")


def _forms(found: pl.DataFrame) -> list[str]:
    return found["form"].value_counts(sort=True)["form"].to_list()


def _graded(shown: pl.DataFrame, graded: pl.DataFrame) -> pl.DataFrame:
    rows = shown.head(ROWS_SHOWN).join(graded, on="accession", how="left", maintain_order="left")
    known = pl.when(pl.col("score").is_not_null()).then("accession")
    items = pl.col("items").str.strip_chars(",").replace("", None)  # the SEC's `,,`: none
    return rows.with_columns(pl.col("grade").fill_null(formats.NOTHING), items, graded=known)


def facts(desk: Desk, cik: int, known: date | None) -> None:
    """One concept over time, as a chart and as the reported values."""
    version = shell.version(desk, "sec.facts")
    listed = once.cached(lambda: companies.concepts(desk, cik), "concepts", cik, *version)
    if listed.is_empty():
        shell.empty("No facts of this company yet.", "Pull sec.facts.", page="datasets")
        return
    with st.container(horizontal=True):
        concept = st.selectbox(
            "Concept", ordered(listed), **address.among("concept", ordered(listed))
        )
        found = facts_of(desk, cik, concept, known)
        spans = once.cached_for_object(found, lambda: spans_of(found), "spans")
        span = _span(spans) if spans else None
    if span is None:
        shell.empty("Nothing was known of this concept then.", "Choose a later date.")
        return
    meaning = once.cached_for_object(listed, lambda: _meaning(listed, concept), "meaning", concept)
    key = ("facts chart", cik, concept, known, span, *version)
    theme.show(
        once.cached(lambda: over_time(series(found, span), meaning or concept, span), *key),
        alt=f"{meaning or concept} of CIK {cik} over time",
        key=f"facts_{cik}_{concept}",
    )
    st.caption(f"{found.height:,} reported values of {badges.plain(concept)}, newest first.")
    shown = once.cached_for_object(found, lambda: found.head(ROWS_SHOWN), "shown")
    tables.show(shown, FACTS, alt=f"Reported values of {concept}", rows=10)
    with st.container(horizontal=True):
        shell.export_button("CSV of this concept", lambda: found, f"facts-{cik}-{concept}.csv")
        shell.export_button(
            "CSV of all facts",
            lambda: companies.facts(desk, cik, None, known),
            f"facts-{cik}.csv",
        )


def _span(spans: Sequence[str]) -> str:
    return st.segmented_control(
        "Periods", spans, default=spans[0], **address.among("span", spans), required=True
    )


def spans_of(found: pl.DataFrame) -> list[str]:
    """The kinds of period that a concept was reported for."""
    return [name for name in SPANS if not series(found, name).is_empty()]


def _meaning(listed: pl.DataFrame, concept: str) -> str | None:
    meaning: str | None = listed.filter(pl.col("concept") == concept)["label"][0]
    return meaning


def ordered(listed: pl.DataFrame) -> list[str]:
    """The concepts of a company, those that most readers look for first."""
    return once.cached_for_object(listed, lambda: _ordered(listed), "ordered")


def _ordered(listed: pl.DataFrame) -> list[str]:
    there = listed["concept"].unique(maintain_order=True).to_list()
    return [c for c in SOUGHT if c in there] + [c for c in there if c not in SOUGHT]


def series(found: pl.DataFrame, span: str) -> pl.DataFrame:
    """The facts of one kind of period, oldest first, each the one to go by."""
    least, most = SPANS[span]
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    of_span = pl.col("period_start").is_null() if most == 0 else days.is_between(least, most)
    return (
        ranked(found.filter(of_span))
        .sort("standing", "filed", descending=[False, True], maintain_order=True)
        .unique(["period_end", "unit"], keep="first", maintain_order=True)
        .sort("period_end")
    )


def over_time(found: pl.DataFrame, name: str, span: str) -> go.Figure:
    """Bars for periods, a stepped line for instants; values in the unit of the filing."""
    unit = found["unit"].value_counts(sort=True)["unit"][0]
    shown = found.filter(pl.col("unit") == unit)
    if span == "Instants":
        fig = charts.lines(shown, "period_end", {"value": name}, y_title=unit, shape="hv")
    else:
        fig = charts.bars(shown, "period_end", "value", y_title=unit, height=340)
    fig.update_xaxes(title_text="period to" if span != "Instants" else "at")
    return theme.titled(fig, f"{name}: {_latest(shown, span)}, {unit}")


def _latest(shown: pl.DataFrame, span: str) -> str:
    """The latest value, and what became of it in a year where the year before is known."""
    last = shown.row(-1, named=True)
    said = f"{formats.compact(float(last['value']))} to {formats.day(last['period_end'])}"
    days = (pl.lit(last["period_end"]) - pl.col("period_end")).dt.total_days()
    before = shown.filter(days.is_between(350, 380))["value"]
    if before.is_empty() or float(before[-1]) <= 0:
        return said
    change = 100 * (float(last["value"]) / float(before[-1]) - 1)
    return f"{said}, {formats.pct(change, 0)} on a year before"


def identifiers(company: dict[str, Any]) -> None:
    """Names and numbers under which the company is or was known."""
    found = pl.DataFrame(company["identifiers"], infer_schema_length=None)
    if found.is_empty():
        st.caption("No identifier but the CIK.")
        return
    heads = {
        "kind": "Kind",
        "value": "Value",
        "exchange": "Exchange",
        "valid_from": "From",
        "valid_to": "To",
        "source": "Source",
    }
    tables.show(found, heads, alt="Identifiers of the company over time")
    st.caption(f"Fiscal year ends on {company['fiscal_year_end'] or formats.NOTHING} (MMDD).")
