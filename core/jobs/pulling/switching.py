"""How long a thread keeps the interpreter while others wait: shorter while anything is pulled.

A pull reads, decodes, stores and reports in several threads, each of which spends most of its time
outside the interpreter and would wait a whole turn whenever it comes back. Pages want the longer
turns: the thread that draws and the one that sends would take turns at every element otherwise.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SHORT_SECONDS = 0.0005

_lock = threading.Lock()
_kept: list[float] = []  # what to go back to, one for each pull under way


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Turns of half a millisecond until the last of those who asked for them is done."""
    with _lock:
        _kept.append(_kept[0] if _kept else sys.getswitchinterval())
        sys.setswitchinterval(SHORT_SECONDS)
    try:
        yield
    finally:
        with _lock:
            usual = _kept.pop()
            if not _kept:
                sys.setswitchinterval(usual)
