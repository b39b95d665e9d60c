"""A plan without a symbol yet: the candidates of the session, each the way to its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from components.kit import lists, once, shell
from components.parts import first_fill, overview
from core.errors import NotFoundError
from core.service.desk import Desk

KEY = "symbol"
LISTING = replace(
    overview.CANDIDATE_LIST,
    name="to_plan",
    alt="Candidates, each the way to its plan",
    link=lists.RowLink("plans", "symbol"),
    height=18,
)


def candidates(desk: Desk) -> None:
    """The candidates by rank; where there are none, what to do instead."""
    found = _scanned(desk)
    if found is None:
        first_fill.told(desk, "a plan can be made")
        return
    if not found["candidates"]:
        shell.empty(
            "No symbol is chosen.",
            "Choose one above, or come here from a candidate.",
            page="gap_scan",
            label="Gap scan",
        )
        return
    shell.section("Which name?", "Choose a candidate of the session, or any symbol above.")
    rows = found["candidates"]
    lists.show(once.cached_for_owner(found, lambda: overview.frame(rows), "to plan"), LISTING)


def begin_with_best(desk: Desk) -> None:
    """Let the page *Symbol* begin with the best candidate where its address names nobody: the name
    that comes first in the alphabet is of no interest before the bell.
    """
    if KEY in st.query_params or KEY in st.session_state:
        return
    found = _scanned(desk)
    if found and found["candidates"]:
        st.session_state[KEY] = found["candidates"][0][KEY]


def _scanned(desk: Desk) -> dict[str, Any] | None:
    """The scan of the session now; None without prices."""
    try:
        return overview.scanned(desk)
    except NotFoundError:
        return None
