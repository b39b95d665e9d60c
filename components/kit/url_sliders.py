"""Sliders whose values stand in the URL, also while the box that holds them is closed.

Streamlit forgets a widget that is not drawn, and its part of the URL with it. Filters are looked at
seldom and read at every run, so their values are read from the URL and drawn on demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from components.kit import address

Value = float | tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bound:
    """One slider: its name in the URL, its range, and the value where the URL names none.

    A pair as `default` makes a slider of two ends; whole numbers make one of whole numbers.
    """

    key: str
    label: str
    low: float
    high: float
    default: Value
    step: float
    help: str | None = None


def value(bound: Bound) -> Value:
    """What the URL says, within the range; the default where it says nothing that can be read."""
    return _read(bound, st.query_params.get_all(bound.key))


def values(bounds: Sequence[Bound]) -> list[Value]:
    """The `value` of each."""
    asked = address.asked()
    return [_read(bound, asked.get(bound.key, ())) for bound in bounds]


def _read(bound: Bound, words: Sequence[str]) -> Value:
    pair = isinstance(bound.default, tuple)
    address.tell(bound.key, [word for word in words if not address.is_number(word)])
    given = [_number(text) for text in words]
    if len(given) != (2 if pair else 1) or None in given:
        return _inside(bound, bound.default)
    numbers = sorted(number for number in given if number is not None)
    return _inside(bound, (numbers[0], numbers[1]) if pair else numbers[0])


def draw(bound: Bound) -> None:
    """The slider, at the value of the URL; a move is written there before the page runs again."""
    name = _name(bound)
    st.session_state[name] = value(bound)
    st.slider(
        bound.label,
        bound.low,
        bound.high,
        step=bound.step,
        key=name,
        help=bound.help,
        on_change=_write,
        args=(bound,),
    )


def reset(key: str) -> None:
    """Back to the default."""
    st.query_params.pop(key, None)


def _write(bound: Bound) -> None:
    chosen: Value = st.session_state[_name(bound)]
    if chosen == _inside(bound, bound.default):
        reset(bound.key)
    else:
        st.query_params[bound.key] = (
            [str(end) for end in chosen] if isinstance(chosen, tuple) else str(chosen)
        )


def _name(bound: Bound) -> str:
    return f"bound_{bound.key}"


def _inside(bound: Bound, chosen: Value) -> Value:
    if isinstance(chosen, tuple):
        return _clip(bound, chosen[0]), _clip(bound, chosen[1])
    return _clip(bound, chosen)


def _clip(bound: Bound, number: float) -> float:
    return type(bound.low)(min(max(number, bound.low), bound.high))


def _number(text: str) -> float | None:
    return float(text) if address.is_number(text) else None
