"""Sliders that keep their values in the URL while they are not drawn."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from components.kit import url_sliders as bounds

    pair = bounds.Bound("gap", "Gap", 0.0, 100.0, (4.0, 20.0), 0.5)
    one = bounds.Bound("rvol", "Volume", 0.0, 10.0, 1.5, 0.1)
    if st.checkbox("open"):
        bounds.draw(pair)
        bounds.draw(one)
    st.markdown(repr((bounds.value(pair), bounds.value(one))))


def opened(**query: str | list[str]) -> AppTest:
    at = AppTest.from_function(page)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def values(at: AppTest) -> object:
    return at.markdown[0].value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ((4.0, 20.0), 1.5)),
        ({"gap": ["1.0", "50.0"], "rvol": "2"}, ((1.0, 50.0), 2.0)),
        ({"gap": ["50", "1"], "rvol": "-3"}, ((1.0, 50.0), 0.0)),
        ({"gap": ["1", "5000"], "rvol": "1e9"}, ((1.0, 100.0), 10.0)),
        ({"gap": "7", "rvol": ["1", "2"]}, ((4.0, 20.0), 1.5)),
        ({"gap": ["nan", "9"], "rvol": "much"}, ((4.0, 20.0), 1.5)),
    ],
)
def test_the_address_is_read_without_the_slider(query, expected):
    """Values are those of the address within the range; what cannot be read is the default."""
    assert values(opened(**query)) == repr(expected)


def test_a_move_is_in_the_address_and_stays_there_when_the_box_is_closed():
    """Opening shows the address, moving writes it, closing and opening again loses nothing."""
    at = opened(rvol="2.5")
    at.checkbox[0].check().run()
    assert at.slider(key="bound_rvol").value == 2.5
    at.slider(key="bound_gap").set_range(6.0, 30.0).run()
    assert at.query_params["gap"] == ["6.0", "30.0"]
    at.checkbox[0].uncheck().run()
    assert values(at) == repr(((6.0, 30.0), 2.5))
    at.checkbox[0].check().run()
    assert at.slider(key="bound_gap").value == (6.0, 30.0)


def test_the_default_leaves_the_address_clean():
    """A slider moved back to its default is not in the address."""
    at = opened(rvol="2.5")
    at.checkbox[0].check().run()
    at.slider(key="bound_rvol").set_value(1.5).run()
    assert "rvol" not in at.query_params
    assert values(at) == repr(((4.0, 20.0), 1.5))


def test_an_address_that_changes_moves_the_open_slider():
    """Going back in the browser changes the address: the slider follows it."""
    at = opened(rvol="2.5")
    at.checkbox[0].check().run()
    at.query_params["rvol"] = "9"
    at.run()
    assert at.slider(key="bound_rvol").value == 9.0
