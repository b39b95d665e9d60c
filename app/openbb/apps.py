"""`apps.json`: the widgets laid out as one app, whose tables lead each other."""

from __future__ import annotations

from typing import Any

from app.openbb.kernel import WIDGETS
from core.service.desk import Desk

Place = tuple[str, int, int, int, int]  # widget, x, y, width, height: on a grid of 40 columns
TABS: dict[str, tuple[str, tuple[Place, ...]]] = {
    "morning": ("Before the bell", (
        ("gap_scan", 0, 0, 26, 14), ("gap_chart", 26, 0, 14, 14),
        ("symbol_chart", 0, 14, 20, 16), ("symbol_gaps", 20, 14, 20, 16),
        ("gap_statistics", 0, 30, 20, 12), ("gaps_left_out", 20, 30, 20, 12),
    )),
    "filings": ("Filings", (
        ("company", 0, 0, 14, 12), ("headlines", 14, 0, 26, 12),
        ("grades", 0, 12, 40, 14), ("findings", 0, 26, 20, 14), ("filings", 20, 26, 20, 14),
        ("facts", 0, 40, 40, 14),
    )),
    "book": ("Book", (
        ("risk", 0, 0, 40, 5), ("limits", 0, 5, 20, 12), ("holdings", 20, 5, 20, 12),
        ("plans", 0, 17, 40, 14),
    )),
    "desk": ("Desk", (
        ("about", 0, 0, 14, 12), ("freshness", 14, 0, 26, 12), ("gap_backtest", 0, 12, 40, 12),
    )),
}  # fmt: skip
GROUPS = ("symbol", "company", "accession")  # each parameter is one for all widgets of a group
PROMPTS = (
    "Which gaps of this session have a filing behind them, and how was it graded?",
    "How often did gaps of this size fill on the same day?",
    "Which limits of the book are closest to full?",
)


def apps(desk: Desk) -> list[dict[str, Any]]:
    """The one app of the desk, as Workspace reads it."""
    groups = [_group(desk, number, name) for number, name in enumerate(GROUPS, 1)]
    return [
        {
            "name": "Openbell",
            "img": "",
            "img_dark": "",
            "img_light": "",
            "description": "Gaps, filings with their grades, and the book, before the bell.",
            "allowCustomization": True,
            "tabs": {key: _tab(key, name, places) for key, (name, places) in TABS.items()},
            "groups": groups,
            "prompts": list(PROMPTS),
        }
    ]


def _tab(key: str, name: str, places: tuple[Place, ...]) -> dict[str, Any]:
    return {"id": key, "name": name, "layout": [_placed(*place) for place in places]}


def _placed(widget: str, x: int, y: int, width: int, height: int) -> dict[str, Any]:
    asked = [param.name for param in WIDGETS[widget].params]
    groups = [f"Group {place}" for place, name in enumerate(GROUPS, 1) if name in asked]
    return {"i": widget, "x": x, "y": y, "w": width, "h": height, "groups": groups}


def _group(desk: Desk, number: int, name: str) -> dict[str, Any]:
    """Its name is `Group N`: of others Workspace takes no notice, and says nothing."""
    asked = {w.name: param for w in WIDGETS.values() for param in w.params if param.name == name}
    param = next(iter(asked.values()))
    return {
        "name": f"Group {number}",
        "type": "endpointParam" if param.ask_for else "param",
        "paramName": name,
        "defaultValue": param.document(desk)["value"],
        "widgetIds": list(asked),
    }
