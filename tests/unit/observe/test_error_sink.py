"""Errors of the log reach a server that takes them as Sentry does; nobody waits for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.observe import logs
from core.observe.error_sink import MOST_WAITING, ErrorSink
from tests.places import WebHook, web_hook


@pytest.fixture
def web() -> Iterator[WebHook]:
    with web_hook() as hook:
        yield hook


@pytest.fixture
def untouched() -> Iterator[None]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def sink(port: int) -> ErrorSink:
    return ErrorSink(f"http://key@127.0.0.1:{port}/7", "prod", "0.1.0")


@pytest.mark.usefixtures("untouched")
def test_errors_are_sent_as_envelopes_without_secrets(web: WebHook) -> None:
    """Key in the header, event in the third line; what is no error stays in the log."""
    made = sink(web.port)
    logs.configure("json", "INFO", more=[made])
    log = logs.get("room")
    log.info("nothing wrong")
    with logs.correlated("abc"):
        log.error("it broke", password="hush", url="http://h/?token=hush")
    logs.configure("json", "INFO")
    ((headers, body),) = web.calls
    assert "sentry_key=key" in headers["x-sentry-auth"]
    first, second, event = (json.loads(line) for line in body.splitlines())
    assert first["event_id"] == event["event_id"]
    assert second == {"type": "event"}
    assert (event["level"], event["environment"]) == ("error", "prod")
    assert event["tags"] == {"correlation_id": "abc"}
    assert "it broke" in event["message"]["formatted"]
    assert b"hush" not in body
    assert made.dropped == 0


def test_a_server_that_is_gone_costs_nothing_but_the_lines() -> None:
    """They are counted; whoever logs goes on at once."""
    made = sink(9)
    record = logging.LogRecord("room", logging.ERROR, "f.py", 1, "broke", None, None)
    for _ in range(3):
        made.emit(record)
    made.close()
    assert made.dropped == 3
    assert made._waiting.maxsize == MOST_WAITING
