"""The one desk of this process. The lifespan sets it; only the edges (ASGI, Streamlit) ask.

Everything else is handed the desk as an argument.
"""

from __future__ import annotations

from core.errors import OpenbellError
from core.service.desk import Desk

_desk: Desk | None = None
_waiting = ""


class NoDeskError(OpenbellError):
    """Pages were opened without the desk behind them."""

    kind = "could not ask"


def desk() -> Desk:
    """The open desk; NoDeskError when there is none."""
    if _desk is None:
        raise NoDeskError(
            "the desk is not open", hint="start it with: python -m app serve (or: make demo)"
        )
    return _desk


def desk_or_none() -> Desk | None:
    """The open desk, if there is one."""
    return _desk


def use(desk: Desk | None, waiting: str = "") -> None:
    """Make this the desk of the process (None: no desk; `waiting` says what it waits for)."""
    global _desk, _waiting
    _desk, _waiting = desk, waiting


def waiting() -> str:
    """What an engine that stands by waits for; empty otherwise."""
    return _waiting


def is_open() -> bool:
    """Whether there is a desk."""
    return _desk is not None
