"""The bar of long commands: words and percent on a terminal, and nothing anywhere else."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from app import progress_bar
from core.service import progress


def shown(*told: tuple[str, float], terminal: bool = True) -> str:
    """What is written of work that tells this."""
    screen = Console(file=StringIO(), force_terminal=terminal, width=100, color_system=None)
    with progress_bar.drawn(screen, "grade"):
        for text, percent in told:
            progress.current()(text, percent)
    written = screen.file
    assert isinstance(written, StringIO)
    return written.getvalue()


def test_a_terminal_is_told_in_words_and_percent() -> None:
    """The last state stays."""
    written = shown(("0 of 8 companies", 0.0), ("3 of 8 companies", 37.5))
    last = written[written.rindex("grade") :]
    assert " 38% 3 of 8 companies" in last


def test_it_stays_when_the_work_is_called_off() -> None:
    """How far it had come is read after Ctrl-C, and nobody is told any more."""
    screen = Console(file=StringIO(), force_terminal=True, width=100, color_system=None)
    with pytest.raises(KeyboardInterrupt), progress_bar.drawn(screen, "grade"):
        progress.current()("[1] of 8 companies", 12.5)
        raise KeyboardInterrupt
    assert isinstance(screen.file, StringIO)
    before = screen.file.getvalue()
    progress.current()("2 of 8 companies", 25.0)
    assert "[1] of 8 companies" in before[before.rindex("grade") :]
    assert screen.file.getvalue() == before


def test_what_tells_nothing_shows_nothing() -> None:
    """Most commands are done at once."""
    assert shown() == ""


def test_a_pipe_gets_none_of_it() -> None:
    """What is read by a program, or kept in a file, has no bars."""
    assert shown(("3 of 8 companies", 37.5), terminal=False) == ""
