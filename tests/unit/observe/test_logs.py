"""Structured logs: set up again, secrets hidden."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from core.observe import logs


@pytest.fixture
def untouched() -> Iterator[None]:
    """Logging as it was, whatever a test sets up."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


@pytest.mark.usefixtures("untouched")
def test_a_second_set_up_reaches_loggers_in_use() -> None:
    """A logger remembers the processors of its first line: they must be the ones set up since."""
    logs.configure("json", "INFO")
    log = logs.get("room")
    log.info("first")
    logs.configure("console", "INFO")
    with capture_logs() as lines:
        log.info("second", rows=3)
    assert lines == [{"event": "second", "rows": 3, "log_level": "info"}]


@pytest.mark.usefixtures("untouched")
def test_secrets_do_not_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither under a telling key nor inside a text."""
    logs.configure("json", "INFO")
    logs.get("room").info("asked", token="abc123", url="http://h/?token=abc123")
    told = capsys.readouterr().err
    assert "asked" in told
    assert "abc123" not in told


@pytest.mark.usefixtures("untouched")
def test_libraries_write_by_our_handler_alone() -> None:
    """What they have set up for themselves goes, and what they chat about is not kept."""
    theirs = logging.getLogger("uvicorn.error")
    before = (theirs.handlers, theirs.propagate)
    theirs.handlers, theirs.propagate = [logging.NullHandler()], False
    try:
        logs.configure("json", "INFO")
        assert (theirs.handlers, theirs.propagate) == ([], True)
        assert logging.getLogger("httpx").level == logging.WARNING
        assert logging.getLogger("apscheduler.executors").level == logging.CRITICAL
        assert len(logging.getLogger().handlers) == 1
    finally:
        theirs.handlers, theirs.propagate = before
