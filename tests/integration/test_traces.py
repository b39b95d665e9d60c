"""One refresh is one trace: click or command, job, pull, requests, commits, and the log's lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from core.observe import logs, traces
from core.observe.tracing import OtelTracing
from core.places import ROOT
from core.service.access import auditing
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.pulls import refresh
from core.store import events
from tests.upstreams import Running


@pytest.fixture
def spans() -> Iterator[Callable[[], list[ReadableSpan]]]:
    """Traces are on; what the test gets ends them and gives what was made."""
    kept = InMemorySpanExporter()
    stop = traces.use(OtelTracing([kept]))

    def ended() -> list[ReadableSpan]:
        stop()
        return list(kept.get_finished_spans())

    yield ended
    stop()


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def test_one_refresh_is_one_trace(
    make_desk: Callable[..., Desk],
    spans: Callable[[], list[ReadableSpan]],
) -> None:
    """All of it hangs together under the command; event, audit entry and log bear its ids."""
    with Running() as upstreams, capture_logs([merge_contextvars, logs._trace]) as lines:
        desk = make_desk(**upstreams.settings())
        desk.start(scheduler=False)
        with logs.correlated("0123456789abcdef"):
            (ticket,) = commands.run(desk, "refresh", {"datasets": ["prices.daily"]}).document
        asked = refresh.RefreshTicket(ticket["job_id"], "prices.daily", joined=False)
        (done,) = refresh.wait(desk, [asked], timeout_seconds=60)
        assert done.state == "done"
        desk.close()
    made = spans()
    root = next(span for span in made if span.name == "command refresh")
    found = [span for span in made if trace_of(span) == trace_of(root)]
    names = {span.name for span in found}
    assert {
        "command refresh", "act refresh.refresh_now", "job pull", "pull prices.daily",
        "request 127.0.0.1", "commit",
    } <= names  # fmt: skip
    known = {span.context.span_id for span in found if span.context}
    assert [s.name for s in found if s.parent is None or s.parent.span_id not in known] == [
        "command refresh"
    ]
    parents = {span.context.span_id: span.name for span in found if span.context}
    requests = [span for span in found if span.name.startswith("request")]
    assert {parents[s.parent.span_id] for s in requests if s.parent} == {"pull prices.daily"}
    assert root.attributes and root.attributes["correlation_id"] == "0123456789abcdef"
    (ended,) = [line for line in lines if line["event"] == "pull ended"]
    assert (ended["trace_id"], ended["correlation_id"]) == (trace_of(root), "0123456789abcdef")
    again = make_desk(**upstreams.settings())
    stored = events.page(again.warehouse, events.EventFilter(kinds=["pull.done"]))
    acts = auditing.acts(again).filter(act="refresh.refresh_now")
    assert stored["correlation_id"].to_list() == ["0123456789abcdef"]
    assert acts["correlation_id"].to_list() == ["0123456789abcdef"]


def test_nothing_of_it_is_imported_while_it_is_off() -> None:
    """Neither by the server's modules nor by a span, a job or a line of the log."""
    code = (
        "import sys; import app.asgi; from core.observe import traces; "
        "stop = traces.start('', None)\n"
        "with traces.span('x'), traces.resumed('00-0'): assert traces.carrier() is None\n"
        "stop(); bad = [m for m in sys.modules if m.startswith('opentelemetry.sdk') "
        "or m == 'core.observe.tracing']; sys.exit(str(bad) if bad else 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
