"""How the interpreter looks for garbage in a desk."""

from __future__ import annotations

import gc

GC_THRESHOLDS = (50_000, 20, 100)  # new objects between collections; 700 find little in a page run


def collect_seldom() -> None:
    """Look for garbage seldom, and never among what is there by now: modules, the open desk."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
