"""The rule reference: every rule of the rule set shipped with the desk, in words."""

from __future__ import annotations

from functools import cache

import polars as pl
import streamlit as st

from components.kit import badges, shell, tables
from core.domain.quality.model import Rule, Ruleset, default_ruleset

SEVERITIES = {"critical": "red", "major": "orange", "minor": "yellow", "info": "gray"}
TOLERANCES = {
    "T0": "twice the rounding unit of the filing, more where many items are added",
    "T1": "the rounding, or 0.1 % of the greatest operand",
    "T2": "the rounding, or 2 % of the greatest operand",
    "exact": "none: the numbers must agree exactly",
    "own": "as the formula says",
}
GROUPS = {
    "required": "required concepts",
    "identity": "balance and identities",
    "duplicates": "duplicates",
    "missing": "missing values",
    "complexity": "complexity",
    "other": "the total only",
}
COLUMNS = {
    "rule": "Rule",
    "severity": "Severity",
    "weight": "Weight",
    "title": "What must hold",
    "formula": "Formula",
    "tolerance": "Tolerance",
    "related": "Related public rules",
}


def ruleset() -> Ruleset:
    """The rule set that grades are made with now."""
    return default_ruleset()


@cache
def table() -> pl.DataFrame:
    """One row a rule: rule, severity, weight, title, formula, tolerance, related, group, style."""
    return pl.DataFrame([_row(rule) for rule in ruleset().rules.values()])


def _row(rule: Rule) -> dict[str, object]:
    return {
        "rule": rule.id,
        "severity": rule.severity,
        "weight": rule.weight,
        "title": rule.title,
        "formula": rule.formula,
        "tolerance": rule.tolerance,
        "related": ", ".join(rule.related),
        "group": rule.group,
        "style": rule.style,
    }


def matching(text: str, severities: list[str] | None = None) -> pl.DataFrame:
    """The rules whose id, title, formula or related ids contain every word of the text."""
    if not text.split() and not severities:
        return table()
    found = table()
    everything = pl.concat_str(
        "rule", "title", "formula", "related", "severity", "group", separator=" "
    ).str.to_lowercase()
    for word in text.lower().split():
        found = found.filter(everything.str.contains(word, literal=True))
    return found.filter(pl.col("severity").is_in(severities)) if severities else found


def show(found: pl.DataFrame) -> None:
    """The rules as a table."""
    tables.show(
        found,
        COLUMNS,
        alt="Rules of the filing grade with severity, weight, formula and tolerance",
        widths={
            "rule": 60,
            "severity": 90,
            "weight": 65,
            "title": 330,
            "formula": 370,
            "tolerance": 80,
        },
        rows=18,
    )


def detail(rule_id: str) -> None:
    """One rule in full: what must hold, in which forms, with what tolerance, and what it costs."""
    rule = ruleset().rules[rule_id]
    with st.container(border=True):
        color = SEVERITIES[rule.severity]
        st.markdown(
            f"**{rule.id} · {badges.plain(rule.title)}** {badges.badge(rule.severity, color)}  \n"
            + shell.small(" ".join(_notes(rule)))
        )
        lines = [equation.text for equation in rule.equations]
        st.code("\n".join(lines or [rule.formula]), language=None, wrap_lines=True)


def _notes(rule: Rule) -> list[str]:
    notes = [
        f"Weight {rule.weight}; counts in {GROUPS.get(rule.group, rule.group)}.",
        f"Tolerance: {TOLERANCES.get(rule.tolerance, rule.tolerance)}.",
    ]
    if len(rule.equations) > 1:
        notes.append("Any one of these forms is honest; items in brackets count when reported.")
    if rule.style == "learned":
        notes.append("Only a filer whose earlier filings kept to it can break it.")
    elif rule.style:
        notes.append(f"For filers of the kind {rule.style}.")
    if rule.related:
        notes.append(f"Related public rules: {', '.join(rule.related)}.")
    return notes
