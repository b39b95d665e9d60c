"""The ranges of a chart that an address has: read, refused, and drawn."""

from __future__ import annotations

import orjson
import pytest

from components.kit import theme, zoom

GIVEN = "daily AAA 126|2026-08-14 23:31:34.9254|2026-10-12|6.5|11"


def test_the_ranges_of_a_chart_are_found_by_its_name() -> None:
    """Numbers are numbers, instants stay text; other charts have their own."""
    found = zoom.of("daily AAA 126", ["plan AAA|1|2|3|4", GIVEN])
    assert found == zoom.Zoom(("2026-08-14 23:31:34.9254", "2026-10-12"), (6.5, 11.0))
    assert zoom.of("plan AAA", ["plan AAA|1|2|3|4", GIVEN]) == zoom.Zoom((1.0, 2.0), (3.0, 4.0))
    assert zoom.of("daily BBB 126", [GIVEN]) is None


@pytest.mark.parametrize(
    "ends",
    ["", "1|2|3", "1|2|3|4|5", "nan|1|2|3", "inf|1|2|3", "1|2|3|x", "2026-13-01|1|2|3",
     "2026-08-14 23:31:34.<b>|1|2|3", "1|2||4"],
)  # fmt: skip
def test_what_is_no_range_is_none(ends: str) -> None:
    """The chart is drawn as without."""
    assert zoom.of("a", [f"a|{ends}"]) is None


def test_a_figure_is_drawn_with_the_ranges() -> None:
    """Of all its x axes and of its prices; the figure itself, which is shared, stays."""
    fig = theme.figure(uirevision="a", xaxis2={"matches": "x"}, yaxis2={"range": [0, 9]})
    made = theme.written(fig)
    drawn = orjson.loads(orjson.dumps(made.zoomed(zoom.Zoom((1.0, 2.0), (3.0, 4.0))).to_dict()))
    axes = {name: axis.get("range") for name, axis in drawn["layout"].items() if "axis" in name}
    assert axes == {"xaxis": [1, 2], "xaxis2": [1, 2], "yaxis": [3, 4], "yaxis2": [0, 9]}
    assert "range" not in orjson.dumps(made.to_dict()["layout"].get("xaxis", {})).decode()
