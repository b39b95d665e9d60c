"""Screening on the scan: boxes, a chip a filter that takes it away, and which columns are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st

from components.kit import address, badges, links, once, parameters, reader, shell
from components.kit import url_choices as choices
from components.kit import url_sliders as bounds
from components.parts import gaps, own_notes
from core.domain.gaps import screening
from core.domain.gaps.screening import Screen
from core.service.care import preferences
from core.service.desk import Desk
from core.service.gaps.scans import Scan
from core.service.lists import lists, notes

GRADES = ("A", "B", "C", "D", "F", "NR")
STATUSES = tuple(badges.STATUSES)
SIDES = {"up": "▲ up", "down": "▼ down"}
MARKED = {"star": "starred", "dismiss": "dismissed"}
OWN = {"followed": "followed companies"}
UNITS = {"gap": "gap {} %", "rvol": "rel. vol. {}", "dollars": "traded {} m", "price": "price {}"}
LONGEST = 4_000  # characters of an address whose words have chips
WORDS = ("side", "sector", "form", "grade", "status", "followed", "list", "marked")
SAID: Mapping[str, Mapping[str, str]] = {
    "side": SIDES,
    "marked": MARKED,
    "followed": {"yes": OWN["followed"]},
}
COLUMNS = "gap_scan.columns"  # where sets of columns are kept beside the views
SETS: Mapping[str, Sequence[str]] = {
    "as they fit": (),
    "all": tuple(gaps.CANDIDATES),
    "decide": (
        "symbol", "gap_pct", "open", "rvol", "score", "catalyst_text", "grade", "status", "closes",
    ),
    "numbers": (
        "symbol", "gap_pct", "gap_atr", "open", "prior_close", "rvol", "dollars_m", "score",
        "evidence_pct", "gap_type", "story", "sector",
    ),
    "before the open": (
        "symbol", "gap_pct", "premarket_gap_pct", "open", "last_print_at", "prints", "rvol",
        "score",
    ),
}  # fmt: skip


def wanted(desk: Desk, scan: Scan, marks: Mapping[str, str]) -> Screen:
    """What the address asks for. A list that is not there is told, and asks nothing."""
    marked = choices.one("marked", list(MARKED))
    symbols = _listed(desk)
    if marked:
        found = frozenset(symbol for symbol, mark in marks.items() if mark == marked)
        symbols = found if symbols is None else symbols & found
    hidden = frozenset(s for s, mark in marks.items() if mark == "dismiss" and marked != "dismiss")
    side = choices.one("side", list(SIDES))
    return Screen(
        tuple(choices.several("sector", _sectors(scan))),
        "up" if side == "up" else "down" if side == "down" else None,
        tuple(choices.several("form", _forms(scan))),
        tuple(choices.several("grade", GRADES)),
        tuple(choices.several("status", STATUSES)),
        frozenset(shell.watched(desk)) if choices.one("followed", ["yes"]) else None,
        symbols,
        hidden,
    )


def _listed(desk: Desk) -> frozenset[str] | None:
    asked = choices.text("list")
    if not asked:
        return None
    if not lists.exists(desk, asked):
        st.info(f"There is no list {badges.plain(asked)}; all names are shown.")
        return None
    return frozenset(lists.members(desk, asked))


def _lists(desk: Desk) -> list[str]:
    """The reader's own, and the one of the address, which may be another's."""
    asked = choices.text("list")
    passed_on = [asked] if asked and lists.exists(desk, asked) else []
    return list(dict.fromkeys([*lists.names(desk), *passed_on]))


def _sectors(scan: Scan) -> list[str]:
    """Those of the candidates, and those of the address: another session may have them."""
    found = once.cached_for_object(
        scan.candidates, lambda: screening.sectors(scan.candidates), "sectors"
    )
    return list(dict.fromkeys([*found, *st.query_params.get_all("sector")]))


def _forms(scan: Scan) -> list[str]:
    found = once.cached_for_object(
        scan.candidates, lambda: screening.kinds(scan.candidates), "kinds"
    )
    return list(dict.fromkeys([*found, *st.query_params.get_all("form")]))


def screened(scan: Scan, screen: Screen) -> Scan:
    """The scan with the candidates that pass; made once a scan and screen."""
    if screen == Screen():
        return scan
    return once.cached_for_owner(
        scan.candidates,
        lambda: replace(scan, candidates=screening.screened(scan.candidates, screen)),
        *("screened", screen),
    )


def boxes(desk: Desk, scan: Scan) -> None:
    """The boxes of all that is no number."""
    with st.container(horizontal=True):
        choices.multiselect("Sector", "sector", _sectors(scan), width=260)
        choices.multiselect("Catalyst", "form", _forms(scan), width=220)
        choices.multiselect("Grade", "grade", GRADES, width=200)
        choices.multiselect("Status", "status", STATUSES, width=220)
        choices.selectbox("Direction", "side", list(SIDES), width=120)
        choices.selectbox("Followed", "followed", ["yes"], width=110)
        choices.selectbox("List", "list", _lists(desk), width=180)
        choices.selectbox("Marked", "marked", list(MARKED), width=130)


def chips(sliders: Sequence[bounds.Bound]) -> str:
    """A word a filter that is on, as HTML; pressed, it is taken away."""
    asked = address.asked()
    if sum(len(value) + len(name) for name, values in asked.items() for value in values) > LONGEST:
        asked = {}  # each chip has the whole address: a long one would be sent by its square
    shown = [*_numeric(sliders, asked), *_words(asked)]
    return links.ways(shown, "chips") if shown else ""


def _numeric(
    sliders: Sequence[bounds.Bound], asked: Mapping[str, Sequence[str]]
) -> Iterator[links.Way]:
    """Filters by number that keep something out; taken away they are at their widest."""
    for slider, value in zip(sliders, bounds.values(sliders), strict=True):
        ends = (slider.low, slider.high) if isinstance(value, tuple) else (slider.low,)
        if value in (ends, slider.low):
            continue
        said = f"{value[0]:g}–{value[1]:g}" if isinstance(value, tuple) else f"≥ {value:g}"
        yield _chip(UNITS[slider.key].format(said), slider.key, list(map(str, ends)), asked)


def _words(asked: Mapping[str, Sequence[str]]) -> Iterator[links.Way]:
    for key in WORDS:
        given = list(dict.fromkeys(value for value in asked.get(key, ()) if value))
        for value in given:
            said = SAID.get(key, {}).get(value, f"{key} {value}")
            yield _chip(said[:40], key, [other for other in given if other != value], asked)


def _chip(
    label: str, key: str, left: Sequence[str], asked: Mapping[str, Sequence[str]]
) -> links.Way:
    """The address with `left` under that name; what the browser alone writes there is its own."""
    others = {k: v for k, v in asked.items() if k not in (key, parameters.EVERYWHERE)}
    to = links.url("gap_scan", others | ({key: left} if left else {}))
    return links.Way(f"{label} ✕", to, only=key, title="Take this filter away")


def columns() -> list[str]:
    """The columns that the address asks for, symbol first; none where those that fit are shown."""
    asked = choices.several("columns", list(gaps.CANDIDATES))
    return ["symbol", *(name for name in asked if name != "symbol")] if asked else []


def column_box(desk: Desk) -> None:
    """Sets of columns: the desk's, the reader's own, and one column at a time."""
    kept = {str(p["name"]): str(p["query"]) for p in preferences.presets(desk, COLUMNS)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, names in SETS.items():
            st.button(name.capitalize(), key=f"set_{name}", on_click=_use, args=(names,))
        for name, query in kept.items():
            own = parse_qs(query).get("columns", [])
            st.button(name, key=f"own_set_{name}", on_click=_use, args=(own,))
    choices.multiselect(
        "Columns", "columns", list(gaps.CANDIDATES), format_func=gaps.CANDIDATES.get
    )
    with st.form("save_columns", border=False):
        name = st.text_input("Keep these columns as", max_chars=40)
        pressed = st.form_submit_button("Keep", **reader.analyst(desk))
    if pressed:
        query = urlencode({"columns": columns()}, doseq=True)
        with shell.guarded("the set of columns"):
            preferences.save_preset(desk, COLUMNS, name, query)
            st.rerun()


def _use(names: Sequence[str]) -> None:
    if names:
        st.query_params["columns"] = list(names)
    else:
        st.query_params.pop("columns", None)


def marked(desk: Desk, scan: Scan, symbol: str, marks: Mapping[str, str]) -> None:
    """Star, dismiss and note: by button and by key."""
    day = scan.gaps.session
    starred, dismissed = marks.get(symbol) == "star", marks.get(symbol) == "dismiss"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _mark(desk, "★ Starred" if starred else "☆ Star", "S", symbol, day, "star", on=starred)
        word = "Bring back" if dismissed else "Dismiss"
        _mark(desk, word, "D", symbol, day, "dismiss", on=dismissed)
        own_notes.box(desk, symbol, day)


def over(sliders: Sequence[bounds.Bound], scan: Scan, symbol: str) -> str:
    """Over the list, as HTML: the filters that are on, and ways to the names beside this one."""
    return f'<div class="over">{chips(sliders)}{_steps(scan, symbol)}</div>'


def _steps(scan: Scan, symbol: str) -> str:
    rows = scan.candidates
    names = once.cached_for_object(rows, rows["symbol"].to_list, "names")
    at = names.index(symbol)
    every = (
        ("‹ Prev.", names[at - 1] if at else None, "K"),
        ("Next ›", names[at + 1] if at + 1 < len(names) else None, "J"),
    )
    made = [
        links.Way(label, links.url("gap_scan", {"pick": name}) if name else None, key)
        for label, name, key in every
    ]
    return links.ways(made)


def _mark(
    desk: Desk, label: str, key: str, symbol: str, day: date, kind: notes.Mark, *, on: bool
) -> None:
    given: dict[str, Any] = reader.analyst(desk)
    st.button(
        label,
        key=f"mark_{kind}",
        shortcut=key,
        type="tertiary",
        on_click=_set_mark,
        args=(desk, symbol, None if on else kind, day),
        **given,
    )


def _set_mark(desk: Desk, symbol: str, kind: notes.Mark | None, day: date) -> None:
    with shell.guarded("the mark"):
        notes.set_mark(desk, symbol, kind, day)
