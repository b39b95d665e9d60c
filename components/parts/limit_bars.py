"""Limits as bars in HTML: amber from 80 percent to full, red beyond, each with its sentence."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from components.charts import plans as charts_plans
from components.kit import once, status_line
from core.domain.risk.types import LimitCheck


def show(checks: Sequence[LimitCheck], most: int | None = None, also: str = "") -> None:
    """The limits on the page: all in their order, or the `most` with the least room; `also` is a
    sentence below them.
    """
    st.html(once.cached(lambda: bars(checks, most, also), "bars", checks, most, also))


def bars(checks: Sequence[LimitCheck], most: int | None = None, also: str = "") -> str:
    """A line for each limit, as HTML; with `most` how many others there are, and `also`."""
    shown = checks if most is None else _nearest(checks)[:most]
    rest = len(checks) - len(shown)
    said = [f"{rest} more limits are checked on Plans."] if rest else []
    below = escape(" ".join([*said, also] if also else said))
    more = f"<em>{below}</em>" if below else ""
    return f'<div class="limits">{"".join(map(_limit, shown))}{more}</div>'


def _nearest(checks: Sequence[LimitCheck]) -> list[LimitCheck]:
    """The broken ones first, then those with the least room."""
    amounts = [check for check in checks if check.limit != "filing_grade"]
    broken = [check for check in checks if not check.ok]
    return list(dict.fromkeys([*broken, *sorted(amounts, key=charts_plans.share, reverse=True)]))


def _limit(check: LimitCheck) -> str:
    used = charts_plans.share(check)
    name = escape(charts_plans.NAMES.get(check.limit, check.limit))
    color = "red" if not check.ok else _color(check, used)
    full = ", full" if charts_plans.is_full(check) else ""
    return (
        f'<div title="{escape(check.sentence)}"><span>{name}</span>'
        f'<span class="bar {color}"><i style="width:{min(used, 100.0):.1f}%"></i></span>'
        f"<span>{charts_plans.amounts(check)}{full}</span></div>"
    )


def _color(check: LimitCheck, used: float) -> str:
    """A grade lets its whole size through: its bar is full, and no warning."""
    return "" if check.limit == "filing_grade" else status_line.limit_color(used)
