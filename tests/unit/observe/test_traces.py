"""Traces: off they are nothing; on they go to a file and to a collector."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from core.observe import logs, traces, tracing

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_off_a_span_is_nothing() -> None:
    """The same context for all, no ids, nothing to carry."""
    assert not traces.is_on()
    assert traces.span("a", x=1) is traces.span("b")
    assert traces.resumed(PARENT) is traces.span("c")
    assert (traces.ids(), traces.carrier()) == (None, None)
    traces.start("", None)()


def test_spans_go_to_a_file_as_lines(tmp_path: Path) -> None:
    """With parents, attributes without secrets, the error's status, and the log's id."""
    file = tmp_path / "spans" / "t.jsonl"
    stop = traces.start("", file)
    with logs.correlated("c1"), traces.span("outer", url="http://x?token=abc", none=None, n=3):
        ids, carried = traces.ids(), traces.carrier()
        with pytest.raises(ValueError, match="bad"), traces.span("inner"):
            raise ValueError("bad")
    stop()
    with traces.span("after"):
        assert traces.ids() is None
    inner, outer = lines(file)
    assert ids == (outer["trace_id"], outer["span_id"])
    assert carried == f"00-{outer['trace_id']}-{outer['span_id']}-01"
    assert (inner["parent_id"], inner["trace_id"]) == (outer["span_id"], outer["trace_id"])
    assert outer["attributes"] == {
        "url": "http://x?token=[redacted]", "n": 3, "correlation_id": "c1",
    }  # fmt: skip
    assert inner["status"] == {"status_code": "ERROR", "description": "ValueError: bad"}
    assert outer["parent_id"] is None


@pytest.mark.parametrize("carried", [None, 7, "", "00-0-0-01", f"00-{'0' * 32}-{'0' * 16}-01", "é"])
def test_what_is_no_context_begins_a_trace_of_its_own(tmp_path: Path, carried: object) -> None:
    """A row of an older desk, a header of a stranger."""
    stop = traces.start("", tmp_path / "t.jsonl")
    with traces.resumed(carried), traces.span("job"):
        pass
    stop()
    assert lines(tmp_path / "t.jsonl")[0]["parent_id"] is None


def test_a_carried_context_is_gone_on_with(tmp_path: Path) -> None:
    """And left again."""
    stop = traces.start("", tmp_path / "t.jsonl")
    with traces.resumed(PARENT), traces.span("job"):
        pass
    assert traces.carrier() is None
    stop()
    (job,) = lines(tmp_path / "t.jsonl")
    assert f"00-{job['trace_id']}-{job['parent_id']}-01" == PARENT


def test_a_full_file_goes_aside(tmp_path: Path) -> None:
    """There are two at most; a folder that cannot be written to stops nothing."""
    exporter = tracing.JsonLines(tmp_path / "t.jsonl", largest=300)
    stop = traces.use(tracing.OtelTracing([exporter]))
    for _ in range(3):
        with traces.span("x"):
            pass
        tracing_now = traces._tracing
        assert isinstance(tracing_now, tracing.OtelTracing)
        tracing_now._provider.force_flush()
    stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.jsonl", "t.jsonl.1"]
    assert len(lines(tmp_path / "t.jsonl")) == 1


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A collector on loopback that keeps what it is sent."""
    kept: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            kept.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", kept
        server.shutdown()
        thread.join()


def test_spans_go_to_a_collector_by_http() -> None:
    """OTLP, with the service's name."""
    with collector() as (url, kept):
        stop = traces.start(url, None)
        with traces.span("outer"), traces.span("inner"):
            pass
        stop()
    sent = [span.name for request in kept for group in request.resource_spans
            for scope in group.scope_spans for span in scope.spans]  # fmt: skip
    assert sorted(sent) == ["inner", "outer"]
    told = {item.key: item.value.string_value for item in
            kept[0].resource_spans[0].resource.attributes}  # fmt: skip
    assert told["service.name"] == "openbell"
