"""What the page *Filing* is made of: one filing's grade, point by point, and its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from components.charts import quality as charts_quality
from components.kit import badges, formats, once, shell, tables, theme
from components.parts import filing_text
from components.parts import quality_findings as findings
from components.parts.quality_status import sentence
from core.domain.filings import edgar
from core.service.desk import Desk
from core.service.filings import companies, quality

CHOICE_KEY = "filing_choice"
STATEMENTS = ("Balance sheet", "Income and other", "Cash flow", "Cover")
ITEMS = {
    "item": "Item",
    "concept": "Concept as reported",
    "value": "Value",
    "unit": "Unit",
    "period_start": "From",
    "period_end": "To",
    "months": "Months",
    "note": "Note",
}
REPORTED = {
    "concept": "Concept as reported",
    "value": "Value",
    "unit": "Unit",
    "period_start": "From",
    "period_end": "To",
    "label": "Label",
}
REJECTED = {
    "item": "Item",
    "concept": "Taken",
    "value": "Value",
    "rejected": "Set aside",
    "rejected_value": "Its value",
    "reason": "The one taken",
    "period_start": "From",
    "period_end": "To",
    "unit": "Unit",
}
BECAME = {"since": "Since", "status": "Status", "reason": "Why", "by_accession": "By"}
OLDER = {
    "graded_at": "Graded",
    "grade": "Grade",
    "score": "Score",
    "critical": "Critical",
    "major": "Major",
    "minor": "Minor",
    "ruleset": "Rule set",
    "input_hash": "Inputs",
}


def explained(desk: Desk, accession: str, cik: int) -> quality.FilingView:
    """One filing's grade explained, put together once per commit; NotFoundError without one."""
    make = lambda: quality.filing(desk, accession, cik=cik)  # noqa: E731
    return shell.cached_until_commit(desk, make, "filing", accession, cik)


def ungraded(desk: Desk, accession: str) -> None:
    """What the SEC lists of a filing without a grade, and why it has none."""
    named = badges.plain(accession)
    for row in companies.listed(desk, accession).iter_rows(named=True):
        name = badges.plain(row["name"] or f"CIK {row['cik']}")
        told = badges.plain(row["title"] or row["description"] or "without a description")
        st.markdown(f"**{name} · {badges.plain(row['form'])}** of {formats.day(row['filed'])}: "
                    f"{told} · [{named} at EDGAR]({row['url']})")  # fmt: skip
        filing_text.at_length(desk, [row])
    shell.empty(
        f"The filing {named} has no grade.",
        "Only filings with XBRL facts are graded, and only those of followed companies.",
        page="data_quality",
        label="All graded filings",
    )


def choose(graded: pl.DataFrame) -> dict[str, Any] | None:
    """The filing of the URL, or the newest rated one; a list of its company's filings to go on."""
    asked, cik = st.query_params.get("filing", ""), st.query_params.get("cik", "")
    first, named = once.cached_for_object(
        graded, lambda: _choice(graded, asked, cik), "choice", asked, cik
    )
    if first is None:
        return None
    # A bound widget would put the words shown into the address; it names the accession.
    st.query_params["filing"] = st.session_state[CHOICE_KEY] = first["accession"]
    st.query_params["cik"] = str(first["cik"])  # others may have filed under the accession as well
    st.selectbox(
        "Filing",
        list(named),
        format_func=lambda accession: named.get(accession, accession),
        key=CHOICE_KEY,
        on_change=_chosen,
    )
    return first


def _rated(graded: pl.DataFrame) -> pl.DataFrame:
    """The rated filings, or all where none is: a prospectus has little to show."""
    rated = graded.filter(pl.col("grade") != "NR")
    return graded if rated.is_empty() else rated


def _choice(
    graded: pl.DataFrame, asked: str, cik: str
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """The filing asked for, and all of its company by accession, in words."""
    of = graded.filter(pl.col("accession") == asked) if asked else graded
    number = edgar.cik_of(cik)
    if number:
        own = of.filter(pl.col("cik") == number)
        of = own if asked or not own.is_empty() else of
    of = of if asked else _rated(of)
    if of.is_empty():
        return None, {}
    first = of.row(0, named=True)
    own = graded.filter(pl.col("cik") == first["cik"])
    return first, {row["accession"]: _named(row) for row in own.iter_rows(named=True)}


def _chosen() -> None:
    st.query_params["filing"] = st.session_state[CHOICE_KEY]


def _named(row: Mapping[str, Any]) -> str:
    who = row["ticker"] or row["company"] or row["cik"]
    return f"{who} · {row['form']} filed {row['filed']} · {row['grade']} · {row['accession']}"


def heading(row: Mapping[str, Any]) -> None:
    """Company, form, dates, grade and links of the filing."""
    name = badges.plain(str(row["company"] or row["cik"]))
    score = "not rated" if row["score"] is None else f"score **{row['score']:.1f}**"
    parts = [
        f"{badges.grade(row['grade'])} {badges.status(row['status'])} {score}",
        f"period to {formats.day(row['period_end'])}",
        f"filed {formats.day(row['filed'])}",
        f"coverage {formats.pct(row['coverage_pct'], 0, signed=False)}",
        f"[EDGAR]({edgar.filing(row['cik'], row['accession'])})",
    ]
    st.markdown(f"### {name} · {badges.plain(row['form'])}\n" + " · ".join(parts))
    if row.get("reason"):
        st.info(sentence(badges.plain(row["reason"])))


def untold(view: quality.FilingView) -> None:
    """Which headline figures have no value here, each with why; nothing where all have one."""
    if view.untold:
        told = "; ".join(badges.plain(str(one)) for one in view.untold)
        st.caption(f"**No value here of** {told}.")


def subscores(row: Mapping[str, Any]) -> None:
    """The five sub-scores, each 0-100; nothing where none could be reckoned."""
    if all(row[name] is None for name in findings.SUBSCORES):
        return
    with st.grid(len(findings.SUBSCORES)):
        for name, label in findings.SUBSCORES.items():
            st.metric(label, formats.number(row[name], 1), border=True, help=findings.MEANT[name])


def build_up(view: quality.FilingView) -> None:
    """The waterfall of points lost, and how it adds up."""
    row = view.grade
    if not row["evaluable"]:
        st.caption(f"No rule could be evaluated; style of filer: {row['style'] or 'unknown'}.")
        return
    if not view.build_up.is_empty():
        lost = view.build_up
        theme.show(
            once.cached_for_object(
                lost, lambda: charts_quality.points_lost(lost, row["score"]), "points lost"
            ),
            alt=f"Points lost by each rule from 100 down to {formats.number(row['score'], 1)}",
            key=f"points_{row['accession']}",
        )
    st.caption(
        f"Weight passed {formats.number(row['passed'])} of {formats.number(row['evaluable'])} "
        f"that could be evaluated; style of filer: {row['style'] or 'unknown'}; rule set "
        f"{row['ruleset']}."
    )


def facts_used(view: quality.FilingView) -> None:
    """The facts that were chosen for the standard items: what the rules read."""
    if view.facts.is_empty():
        shell.empty("No fact of this filing carries a standard item.", "Its facts stand below it.")
        return
    st.caption(
        f"{view.facts.height:,} facts carry the standard items that the rules read, "
        "the filing's own periods first."
    )
    tables.show(view.facts, ITEMS, alt="Facts that the rules read", rows=20)
    name = f"items-{view.grade['accession']}.csv"
    shell.export_button("CSV", lambda: view.facts, name, key="items_csv")
    rejected(view)


def rejected(view: quality.FilingView) -> None:
    """Other tags of the same items with other values, and why they do not count."""
    if view.rejected.is_empty():
        return
    st.markdown(f"**Set aside** · {view.rejected.height} values under other tags for the same item")
    tables.show(
        view.rejected, REJECTED, alt="Values under other tags, with why they do not count", rows=8
    )
    name = f"set-aside-{view.grade['accession']}.csv"
    shell.export_button("CSV", lambda: view.rejected, name, key="rejected_csv")


def statements(view: quality.FilingView) -> None:
    """The filing's own period as reported, statement by statement."""
    _periods(view.statements, "No figures of the filing's own period.", "own")


def comparatives(view: quality.FilingView) -> None:
    """Other periods, as this filing tells them."""
    _periods(view.comparatives, "This filing tells of no other period.", "other")


def _periods(rows: pl.DataFrame, none: str, key: str) -> None:
    if rows.is_empty():
        st.caption(none)
        return
    for name, part in once.cached_for_object(
        rows, lambda: _by_statement(rows), "by statement"
    ).items():
        st.markdown(f"**{name}** · {part.height} facts")
        alt = f"{name}: facts of the filing's {key} period"
        tables.show(part, REPORTED, alt=alt, rows=14, key=f"{key}_{name}")
    shell.export_button("CSV", lambda: rows, f"statements-{key}.csv", key=f"{key}_csv")


def _by_statement(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = {name: rows.filter(pl.col("statement") == name) for name in STATEMENTS}
    return {name: part for name, part in parts.items() if not part.is_empty()}


def versions(view: quality.FilingView) -> None:
    """This grade and the older ones of the same filing, and its status over time."""
    found = once.cached_for_object(view.older, lambda: _versions(view), "versions")
    st.caption(
        f"{found.height} stored, the current one first. A new rule set, or new facts of the "
        "filing, make a new grade; the old ones stay."
    )
    tables.show(found, OLDER, alt="Grades of this filing over time, newest first")
    if view.statuses.height > 1:
        shell.section("What became of it", "Each status holds from its day on.")
        alt = "Statuses of this filing over time, oldest first"
        tables.show(view.statuses, BECAME, alt=alt, widths={"reason": 900})


def _versions(view: quality.FilingView) -> pl.DataFrame:
    current = pl.DataFrame([view.grade], schema=view.older.schema)
    return pl.concat([current, view.older], how="vertical")
