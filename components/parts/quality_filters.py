"""The filters of *Data quality*, all in the URL: company, form, grade, status, year and text."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import streamlit as st

from components.kit import badges, once
from components.kit import saved_views as views
from components.kit import url_choices as choices
from core.service.filings import quality

LETTERS = ("A", "B", "C", "D", "F", "NR")
ALL = "all"
OTHERS = ("prospectuses and others", ALL)
DOCUMENTS = (
    "Prospectuses, proxies and the like tell too little to be rated; they are left out of the list "
    "unless asked for here, by form or by accession."
)


def filters(graded: pl.DataFrame) -> pl.DataFrame:
    """Company, form, grade, year and text filters, all in the URL; the grades that pass."""
    box = st.expander("Filters", key="filters", on_change="rerun")
    if views.is_open(box):
        with box:
            _draw(graded)
    given = given_of(graded)
    if not (passing := _passing(given)):
        return graded
    return once.cached_for_owner(graded, lambda: graded.filter(passing), "passing", given)


def _draw(graded: pl.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices.multiselect("Companies", "company", _names(graded), width=320)
        choices.multiselect("Forms", "form", _forms(graded), width=220)
        choices.selectbox("Filed since", "since", _years(graded), placeholder="any year", width=140)
        choices.text_input("Find", "q", placeholder="company or accession", width=220)
        choices.selectbox(
            "Documents", "documents", OTHERS, placeholder="reports", width=190, help=DOCUMENTS
        )
        choices.pills("Grades", "grade", LETTERS)
        choices.pills("Status", "status", list(badges.STATUSES))


@dataclass(frozen=True, slots=True)
class Given:
    """The filters of the URL."""

    companies: tuple[str, ...]
    forms: tuple[str, ...]
    letters: tuple[str, ...]
    statuses: tuple[str, ...]
    documents: str | None
    since: str | None
    text: str

    def __str__(self) -> str:
        words = [*self.companies, *self.forms, *(f"grade {letter}" for letter in self.letters)]
        words += [*self.statuses, *([self.documents] if self.documents else [])]
        words += [f"since {self.since}"] if self.since else []
        return ", ".join([*words, f"“{self.text}”"] if self.text else words)


def given_of(graded: pl.DataFrame) -> Given:
    return Given(
        tuple(choices.several("company", _names(graded))),
        tuple(choices.several("form", _forms(graded))),
        tuple(choices.several("grade", LETTERS)),
        tuple(choices.several("status", list(badges.STATUSES))),
        choices.one("documents", OTHERS),
        choices.one("since", _years(graded)),
        choices.text("q"),
    )


def _passing(given: Given) -> list[pl.Expr]:
    asked = (
        (given.companies, name().is_in(given.companies)),
        (given.forms, pl.col("form").is_in(given.forms)),
        (given.letters, pl.col("grade").is_in(given.letters)),
        (given.statuses, pl.col("status").is_in(given.statuses)),
        (not (given.forms or given.text) and given.documents != ALL, _of(given.documents)),
        (given.since, pl.col("filed").dt.year() >= int(given.since or 0)),
        (given.text, _says(given.text)),
    )
    return [passes for value, passes in asked if value]


def _of(documents: str | None) -> pl.Expr:
    """Rated filings and periodic reports; or what is left, as prospectuses are."""
    reports = (pl.col("grade") != "NR") | pl.col("form").is_in(quality.REPORT_FORMS)
    return reports if documents is None else ~reports


def name() -> pl.Expr:
    return pl.coalesce("ticker", pl.col("cik").cast(pl.String))


def _says(text: str) -> pl.Expr:
    cells = pl.concat_str("company", "ticker", "accession", separator=" ", ignore_nulls=True)
    return cells.str.to_lowercase().str.contains(text.strip().lower(), literal=True)


def _names(graded: pl.DataFrame) -> list[str]:
    return once.cached_for_object(
        graded, lambda: graded.select(name().unique().sort()).to_series().to_list(), "names"
    )


def _forms(graded: pl.DataFrame) -> list[str]:
    return once.cached_for_object(graded, lambda: _by_count(graded["form"]), "forms")


def _by_count(words: pl.Series) -> list[str]:
    return words.value_counts(sort=True)[words.name].to_list()


def _years(graded: pl.DataFrame) -> list[str]:
    return once.cached_for_object(graded, lambda: _filed_years(graded), "years")


def _filed_years(graded: pl.DataFrame) -> list[str]:
    years = graded["filed"].dt.year().unique().sort(descending=True)
    return [str(year) for year in years]
