"""How the interpreter shares its time between threads and looks for garbage in a desk."""

from __future__ import annotations

import gc
import sys

TURN_SECONDS = 0.0005
GC_THRESHOLDS = (50_000, 20, 100)  # new objects between collections; 700 find little in a page run


def take_shorter_turns() -> None:
    """Turns of half a millisecond instead of five in this process.

    A pull reads, stores and reports in several threads, next to the pages: each spends most of its
    time outside the interpreter, and would wait a whole turn of another one whenever it comes back.
    """
    sys.setswitchinterval(TURN_SECONDS)


def collect_seldom() -> None:
    """Look for garbage seldom, and never among what is there by now: modules, the open desk."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
