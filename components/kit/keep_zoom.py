"""Charts keep their zoom when they are drawn anew because a print has come.

Streamlit puts a new chart in the place of one whose figure has changed, and forgets the zoom.
The script below notes the ranges that a reader chose, by the figure's `uirevision`, and gives them
back to the chart that takes the place. Charts without a `uirevision` are left alone; a double click
forgets the zoom. The content security policy lets this one script be, by its digest.
"""

from __future__ import annotations

import streamlit as st

SCRIPT = """
(() => {
  if (window.openbellZoom) return;
  const kept = (window.openbellZoom = new Map());
  const axes = (layout) => Object.keys(layout).filter((name) => /^[xy]axis\\d*$/.test(name));
  const note = (gd, moved) => {
    const name = gd.layout.uirevision;
    if (!name || gd.openbellGiving) return;
    const names = Object.keys(moved || {});
    if (names.some((key) => key.endsWith(".autorange"))) { kept.delete(name); return; }
    if (!names.some((key) => key.includes(".range"))) return;
    kept.set(name, axes(gd.layout)
      .filter((axis) => Array.isArray(gd.layout[axis].range))
      .map((axis) => [axis, [...gd.layout[axis].range]]));
  };
  const give = (gd) => {
    const ranges = kept.get(gd.layout.uirevision);
    if (!ranges) return;
    const layout = { ...gd.layout };
    for (const [axis, range] of ranges)
      layout[axis] = { ...layout[axis], range, autorange: false };
    gd.layout = layout;
    gd.openbellGiving = true;
    gd.emit("plotly_relayout", {});
    gd.openbellGiving = false;
  };
  const look = () => {
    for (const gd of document.querySelectorAll(".js-plotly-plot")) {
      if (gd.openbellSeen || !gd.on || !gd.layout) continue;
      gd.openbellSeen = true;
      gd.on("plotly_relayout", (moved) => note(gd, moved));
      give(gd);
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
})();
"""


def install() -> None:
    """Put the script on the page, once however often the page runs."""
    st.html(f"<script>{SCRIPT}</script>", width=1, unsafe_allow_javascript=True)
