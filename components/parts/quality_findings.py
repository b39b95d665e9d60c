"""The findings of one filing, and what it means that there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from components.kit import badges, formats, once, shell, tables
from components.kit import saved_views as views
from components.parts import rules
from core.domain.filings import edgar
from core.service.filings import quality

OPEN_AT_FIRST = 3  # findings whose facts are spread out
MOST_FINDINGS = 40
SUBSCORES = {
    "required_score": "Required concepts",
    "identity_score": "Balance and identities",
    "duplicate_score": "Duplicates",
    "missing_score": "Missing values",
    "complexity_score": "Complexity",
}
MEANT = {
    "required_score": "Share of what filers of this kind must tell that this filing tells.",
    "identity_score": "Weight of the relations that hold: balance sheet, cash flow, income.",
    "duplicate_score": "Whether the same fact is told once, or with one value.",
    "missing_score": "Mean of the coverage of the rules and of the share of usual items told.",
    "complexity_score": "Whether there are about as many facts as in its last filings.",
}
FACTS = {
    "concept": "Concept",
    "value": "Value",
    "unit": "Unit",
    "start": "From",
    "period_start": "From",
    "end": "To",
    "period_end": "To",
    "accession": "Stated in",
    "url": "EDGAR",
}


def findings(view: quality.FilingView) -> None:
    """Every finding: the sentence, the two numbers, and the facts it rests on."""
    found = view.findings
    if found.is_empty():
        clean(view)
        return
    shown = once.cached_for_object(found, lambda: found.head(MOST_FINDINGS).to_dicts(), "shown")
    for place, finding in enumerate(shown):
        _finding(found, place, finding, view.grade)
    if view.grade["score"] is not None and (view.grade["missing_score"] or 0.0) < FULL:
        short = formats.number(view.grade["missing_score"], 1)
        st.caption(f"{SUBSCORES['missing_score']} {short}: {absent(view)}")
    if found.height > MOST_FINDINGS:
        st.caption(f"{found.height - MOST_FINDINGS} more findings are in the file.")
    shell.export_button(
        "Findings as JSON", lambda: found, f"findings-{view.grade['accession']}.json"
    )


def _finding(
    found: pl.DataFrame, place: int, finding: Mapping[str, Any], grade: Mapping[str, Any]
) -> None:
    """One finding in a box; its facts are drawn while they are spread out."""
    facts = once.cached_for_object(
        found, lambda: _facts_of(finding, grade["cik"]), "facts", place, grade["cik"]
    )
    with st.container(border=True):
        st.markdown(_told(finding))
        if facts.is_empty():
            return
        box = st.expander(
            _behind(facts.height),
            expanded=place < OPEN_AT_FIRST,
            key=f"facts_{grade['accession']}_{place}",
            on_change="rerun",
        )
        if views.is_open(box):
            with box:
                alt = f"Facts behind {finding['rule']}"
                tables.show(facts, FACTS, alt=alt, rows=8)


def _told(finding: Mapping[str, Any]) -> str:
    rule = rules.ruleset().rules.get(finding["rule"])
    title = badges.plain(rule.title) if rule else ""
    color = rules.SEVERITIES.get(finding["severity"], "gray")
    return (
        f"{badges.badge(finding['severity'], color)} **{finding['rule']} · {title}**  \n"
        f"{badges.plain(finding['message'])}  \n{shell.small(numbers(finding))}"
    )


def _behind(count: int) -> str:
    return "The fact behind it" if count == 1 else f"The {count} facts behind it"


def numbers(finding: Mapping[str, Any]) -> str:
    """`Stated 5, expected 7: 2 less; tolerance 1 · 2025-01-01 to 2025-12-31`."""
    expected, actual = finding["expected"], finding["actual"]
    parts = []
    if expected is not None and actual is not None:
        gap = actual - expected
        side = "more" if gap > 0 else "less"
        parts.append(f"Stated {_figure(actual)}, expected {_figure(expected)}")
        if gap:
            parts[-1] += f": {_figure(abs(gap))} {side}"
    if finding["tolerance"] is not None:
        parts.append(f"tolerance {_figure(finding['tolerance'])}")
    start, end = finding["period_start"], finding["period_end"]
    if end is not None:
        parts.append(f"{start} to {end}" if start else f"at {end}")
    return " · ".join(parts)


def _figure(value: float) -> str:
    return formats.number(value, 0 if float(value).is_integer() or abs(value) >= 1e4 else 2)


def _facts_of(finding: Mapping[str, Any], cik: int) -> pl.DataFrame:
    facts: list[dict[str, Any]] = finding["facts"] or []
    if not facts:
        return pl.DataFrame()
    return pl.DataFrame(
        [{**fact, "url": edgar.filing(cik, fact["accession"])} for fact in facts],
        infer_schema_length=None,
    )


def clean(view: quality.FilingView) -> None:
    """What no finding means: nothing to find, or not all could be looked at."""
    row = view.grade
    short = [label for name, label in SUBSCORES.items() if (row[name] or 0.0) < FULL]
    if row["score"] is None:
        st.caption("No rule found a fault, but too little could be checked to say more.")
    elif short:
        least = ", ".join(
            f"{label} {formats.number(row[name], 1)}"
            for name, label in SUBSCORES.items()
            if label in short
        )
        st.info(f"No rule failed, but not all could be checked: {least}. {absent(view)}".strip())
    else:
        st.success("No rule found a fault in this filing.", icon=":material/check_circle:")


FULL = 100.0


def absent(view: quality.FilingView) -> str:
    """What the filing lacks and for which period; what of it no rule could be evaluated without."""
    lacks = [*view.lacking["lacks"].unique(maintain_order=True), *view.unusual]
    parts = []
    if lacks:
        end = view.grade["period_end"]
        when = f" for its period to {end}" if end else ""
        parts.append(f"{', '.join(dict.fromkeys(lacks))}{when}")
    parts += [str(one) for one in view.unchecked]
    if not parts:
        return "Rules without the facts they need are left out of the score."
    return f"It does not tell {'; nor '.join(parts)}."
