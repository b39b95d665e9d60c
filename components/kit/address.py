"""What the address of a page asks for, and what of it was not understood: told, never dropped.

Streamlit takes a value that a bound widget does not know out of the address without a word, and a
filter of ours passes it over. Both are told here, in the one line that stands under a page's head.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, TypedDict

import streamlit as st

from components.kit import parameters

STATE = "address_told"


class Binding(TypedDict):
    """What binds a widget to its name in the address."""

    key: str
    bind: Literal["query-params"]


@dataclass(slots=True)
class _Told:
    """What this run of a page tells: names, values by key, and where the line stands.

    `kept` are the values that Streamlit took out of the address, each with what its widget held
    when the page ran next: they are told until the reader chooses something else there.
    """

    page: str
    names: list[str]
    kept: dict[str, tuple[list[str], Any]]
    values: dict[str, list[str]] = field(default_factory=dict)
    place: Any = None

    def show(self) -> None:
        """The line as it stands now; nothing where there is nothing to tell."""
        every = {key: values for key, (values, _) in self.kept.items()} | self.values
        pairs = [(key, value) for key, values in every.items() for value in values]
        words = parameters.said(self.names, pairs)
        if words and self.place is not None:
            self.place.caption(words)


def begin(page: str) -> None:
    """A run of the page of that title begins: nothing of its address was read yet."""
    parameters.settle()
    before = st.session_state.get(STATE)
    kept = _still(before) if isinstance(before, _Told) and before.page == page else {}
    st.session_state[STATE] = _Told(page, parameters.unread(page), kept)


def draw() -> None:
    """Where the line stands, should there be one: an address that asks nothing has none."""
    told = st.session_state.get(STATE)
    if isinstance(told, _Told) and (told.kept or st.query_params):
        told.place = st.empty()
        told.show()


def among(key: str, options: Iterable[Any], words: Callable[[Any], Any] = str) -> Binding:
    """Bind a widget that chooses among these options, in the words that it shows."""
    if given := st.query_params.get_all(key):
        known = {str(words(option)) for option in options}
        _take_out(key, [value for value in given if value not in known])
    return {"key": key, "bind": "query-params"}


def day(key: str, earliest: date | None, latest: date | None) -> Binding:
    """Bind a widget for a day between these."""
    given = st.query_params.get_all(key)
    _take_out(key, [value for value in given if not _is_day(value, earliest, latest)])
    return {"key": key, "bind": "query-params"}


def number(key: str, low: float, high: float) -> Binding:
    """Bind a widget for a number between these."""
    given = st.query_params.get_all(key)
    _take_out(key, [value for value in given if not is_number(value, low, high)])
    return {"key": key, "bind": "query-params"}


def is_number(text: str, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether the text is a finite number between these."""
    try:
        read = float(text)
    except ValueError:
        return False
    return math.isfinite(read) and low <= read <= high


def asked() -> dict[str, list[str]]:
    """All values of the address by name: one look, where several names are read."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def tell(key: str, values: Iterable[str]) -> None:
    """Tell of values that stay in the address and that nothing here understands."""
    every = list(values)
    told = st.session_state.get(STATE) if every else None
    if not isinstance(told, _Told):
        return
    known = told.values.setdefault(key, [])
    new = [value for value in dict.fromkeys(every) if value.strip() and value not in known]
    if new:
        known.extend(new)
        told.show()


def _take_out(key: str, values: list[str]) -> None:
    """Tell of values that the widget takes out of the address now, also in the next runs."""
    told = st.session_state.get(STATE)
    if isinstance(told, _Told) and any(value.strip() for value in values):
        tell(key, values)
        told.kept[key] = (told.values[key], _Told)


def _still(before: _Told) -> dict[str, tuple[list[str], Any]]:
    """What was taken out of the address before and is told on."""
    left = {}
    for key, (values, held) in before.kept.items():
        holds = st.session_state.get(key)
        if key not in st.query_params and (held is _Told or held == holds):
            left[key] = (values, holds)
    return left


def _is_day(text: str, earliest: date | None, latest: date | None) -> bool:
    try:
        read = date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return False
    return (earliest is None or earliest <= read) and (latest is None or read <= latest)
