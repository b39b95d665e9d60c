"""The client that waits is the one that awaits, without waiting for it."""

from __future__ import annotations

import inspect

from core.client import AsyncOpenbellClient, OpenbellClient
from tools import blocking_client


def test_the_client_that_waits_is_written_from_the_other() -> None:
    """`make docs` writes it; a call that is added to one alone is seen here."""
    text = blocking_client.SOURCE.read_text(encoding="utf-8")
    assert blocking_client.TARGET.read_text(encoding="utf-8") == blocking_client.blocking(text)


def test_both_have_the_same_calls_with_the_same_arguments() -> None:
    """By what they are, not by what is written: nothing of the one is left in the other."""
    calls = [name for name in vars(AsyncOpenbellClient) if not name.startswith("_")]
    assert len(calls) > 15
    for name in calls:
        awaiting, waiting = (getattr(who, name) for who in (AsyncOpenbellClient, OpenbellClient))
        if name != "beside":
            assert inspect.iscoroutinefunction(awaiting), name
            assert not inspect.iscoroutinefunction(waiting), name
        assert inspect.signature(awaiting) == inspect.signature(waiting), name
