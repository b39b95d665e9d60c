"""Sliders for the filters of the scan and the weights of its score, and a reader's own defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import streamlit as st

from components.kit import formats, shell
from components.kit import url_sliders as bounds
from core.domain.gaps.scoring import COMPONENTS
from core.service.care import preferences
from core.service.desk import Desk
from core.service.gaps import scans


def filters(desk: Desk) -> list[bounds.Bound]:
    """The sliders of the filters; without an address the reader's own defaults, else the desk's."""
    own = scans.default_filters(desk).changed(shell.mine().filters)
    gap, price = (own.min_gap_pct, own.max_gap_pct), (own.min_price, own.max_price)
    dollars = own.min_dollar_volume / 1e6
    return [
        bounds.Bound("gap", "Gap, percent", 0.0, 100.0, gap, 0.5, "Least and largest |gap|."),
        bounds.Bound("rvol", "Relative volume, at least", 0.0, 10.0, own.min_rvol, 0.1),
        bounds.Bound("dollars", "Traded, at least (million)", 0.0, 100.0, dollars, 0.5),
        bounds.Bound("price", "Price", 0.0, 1000.0, price, 1.0),
    ]


def chosen_filters(sliders: Sequence[bounds.Bound]) -> dict[str, float]:
    """The filters as the address has them."""
    at = {s.key: value for s, value in zip(sliders, bounds.values(sliders), strict=True)}
    low, high = cast("tuple[float, float]", at["gap"])
    cheap, dear = cast("tuple[float, float]", at["price"])
    return {
        "min_gap_pct": low,
        "max_gap_pct": high,
        "min_rvol": cast("float", at["rvol"]),
        "min_price": cheap,
        "max_price": dear,
        "min_dollar_volume": cast("float", at["dollars"]) * 1e6,
    }


def weights(desk: Desk) -> list[bounds.Bound]:
    """The sliders of the score's weights; they are renormalised to sum 1."""
    own = scans.default_weights(desk).changed(shell.mine().weights).by_name()
    return [
        bounds.Bound(f"w_{name}", name.capitalize(), 0.0, 1.0, own[name], 0.05)
        for name in COMPONENTS
    ]


def chosen_weights(sliders: Sequence[bounds.Bound]) -> dict[str, float]:
    """The weights as the address has them."""
    return dict(zip(COMPONENTS, cast("list[float]", bounds.values(sliders)), strict=True))


def draw(sliders: Sequence[bounds.Bound]) -> None:
    """Sliders side by side, as many as fit."""
    with st.container(horizontal=True):
        for slider in sliders:
            bounds.draw(slider)


def defaults(desk: Desk, limits: dict[str, float], shares: dict[str, float]) -> None:
    """Buttons that make the sliders as they stand this reader's own, or take that back."""
    mine = shell.mine()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Make these my defaults",
            on_click=_own,
            args=(desk, limits, shares),
            help="Used where an address names no filters, here and on the overview.",
        )
        if mine.filters or mine.weights:
            st.button("Back to the desk's defaults", type="tertiary", on_click=_own, args=(desk,))
            st.caption("Your own defaults are in use.")


def said(desk: Desk, own: Mapping[str, float]) -> str:
    """The filters that count where an address names none, in one line."""
    limits = scans.default_filters(desk).changed(dict(own))
    whose = "Your own" if own else "The desk's"
    return (
        f"{whose}: |gap| {limits.min_gap_pct:g} to {limits.max_gap_pct:g} %, relative volume from "
        f"{limits.min_rvol:g}, price {limits.min_price:g} to {limits.max_price:g}, "
        f"{formats.compact(limits.min_dollar_volume)} traded at least."
    )


def _own(
    desk: Desk,
    limits: dict[str, float] | None = None,
    shares: dict[str, float] | None = None,
) -> None:
    with shell.guarded("your preferences"):
        chosen = replace(preferences.load(desk), filters=limits or {}, weights=shares or {})
        preferences.save(desk, chosen)
        shell.forget_preferences()
    if limits is None:  # the sliders go back too
        for key in ("gap", "rvol", "dollars", "price", *(f"w_{name}" for name in COMPONENTS)):
            bounds.reset(key)
