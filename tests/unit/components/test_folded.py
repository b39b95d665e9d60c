"""What is folded under a line of HTML, and ways that change one name of the address."""

from __future__ import annotations

from components.kit import links, lists


def test_what_is_folded_has_its_name_and_line_escaped() -> None:
    """The inside is HTML already."""
    made = lists.folded("left_out", "Left <out> (2)", "<b>x</b>")
    assert made == (
        '<details class="folded" data-box="left_out"><summary>Left &lt;out&gt; (2)'
        "</summary><b>x</b></details>"
    )


def test_a_way_tells_the_browser_which_name_it_is_about() -> None:
    """Several values of a name stand in its address one by one."""
    to = links.url("gap_scan", {"gap": ["0.0", "100.0"], "pick": "A&B"})
    assert to == "/gap_scan?gap=0.0&gap=100.0&pick=A%26B"
    made = links.ways([links.Way("gap ✕", to, only="gap", title="Take it away")], "chips")
    assert made == (
        '<div class="ways chips"><a href="/gap_scan?gap=0.0&amp;gap=100.0&amp;pick=A%26B" '
        'target="_self" data-only="gap" title="Take it away">gap ✕</a></div>'
    )
