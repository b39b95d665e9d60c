"""A button that is kept goes out as Streamlit would have made it, and does what it is given now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from app.kept_buttons import NAME, keep_buttons
from tests.unit.app.test_kept_elements import _same, _sent


@pytest.fixture
def bare() -> Iterator[Any]:
    """Streamlit's own button, and what stands in its place put back at the end."""
    before = getattr(DeltaGenerator, NAME)
    kept = getattr(before, "kept", None)
    setattr(DeltaGenerator, NAME, kept.plain if kept else before)
    yield
    setattr(DeltaGenerator, NAME, before)


def _page() -> None:
    import streamlit as st

    state = st.session_state
    runs = state["runs"] = state.get("runs", 0) + 1
    told = state.setdefault("told", [])
    answered = state.setdefault("answered", [])
    answered.append(st.button("plain", help="a tip", shortcut="S"))
    answered.append(st.button("keyed", key="keyed", on_click=told.append, args=(f"keyed {runs}",)))
    st.button("now and then", key="some", disabled=runs % 2 == 0, type="primary")
    st.button(f"run {runs}", key="label", width=100)
    with st.form("decide"), st.container(horizontal=True):
        st.text_input("Reason", key="reason")
        answered.append(
            st.form_submit_button("Go", on_click=lambda: told.append(f"{state.reason} {runs}"))
        )
        st.form_submit_button("No", icon=":material/close:")

    @st.fragment
    def part() -> None:
        answered.append(st.button("within", on_click=told.append, args=(f"within {runs}",)))

    part()
    st.sidebar.button("plain", help="a tip", shortcut="S", key="aside")
    if runs == 4:
        st.button("plain", help="a tip", shortcut="S")  # twice on a page: refused


def test_what_is_kept_is_what_streamlit_makes(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Message by message, over runs that change a label and whether it may be pressed."""
    plain = [_same(m) for m in _sent(monkeypatch, _page, 4)]
    keep_buttons(DeltaGenerator)
    kept = getattr(DeltaGenerator, NAME).kept
    drawn = [_same(m) for m in _sent(monkeypatch, _page, 4)]
    assert drawn == plain
    assert kept._kept
    made = len(kept._kept)
    assert made < 20  # of 33 that were drawn


def test_a_press_is_told_to_the_call_of_now(bare: None) -> None:
    """To the one that stood on the screen, with its arguments; once, then it is up again."""
    keep_buttons(DeltaGenerator)
    at = AppTest.from_function(_page, default_timeout=60).run().run()
    assert not any(at.session_state["answered"])
    at.button(key="keyed").click().run()
    assert at.session_state["told"] == ["keyed 2"]
    assert at.session_state["answered"][-4:] == [False, True, False, False]
    at.run()  # the fourth run draws a button twice: told, and nothing is pressed again
    assert at.session_state["told"] == ["keyed 2"]
    assert len(at.exception) == 1
    at.run()
    at.text_input(key="reason").input("why")
    at.button(key="FormSubmitter:decide-Go").click().run()
    assert at.session_state["told"] == ["keyed 2", "why 5"]
    next(b for b in at.button if b.label == "within").click().run()
    assert at.session_state["told"][-1] == "within 6"


def test_what_streamlit_refuses_is_refused(bare: None) -> None:
    """A press that the page itself writes."""
    keep_buttons(DeltaGenerator)

    def page() -> None:
        import streamlit as st

        if st.session_state.get("again"):
            st.session_state["keyed"] = True
        st.session_state["again"] = True
        st.button("keyed", key="keyed")

    at = AppTest.from_function(page, default_timeout=60).run()
    assert not at.exception
    assert len(at.run().exception) == 1
