"""Traces by OpenTelemetry: to a collector over HTTP, to a file as JSON lines. See `traces`."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from core import __version__
from core.observe import logs

SERVICE = "openbell"
LONGEST = 200  # letters of an attribute
LARGEST_FILE = 64 * 2**20
PATH = "/v1/traces"
_PARENT = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
log = logs.get("traces")


class OtelTracing:
    """Makes spans and gives them to exporters."""

    def __init__(self, exporters: Sequence[SpanExporter]) -> None:
        known = {"service.name": SERVICE, "service.version": __version__}
        self._provider = TracerProvider(resource=Resource(known), shutdown_on_exit=False)
        for exporter in exporters:
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE, __version__)

    def span(self, name: str, attributes: dict[str, Any]) -> AbstractContextManager[Any]:
        """A span as long as the block lasts; with the correlation id of the log."""
        told = {k: _plain(v) for k, v in attributes.items() if v is not None}
        if identifier := logs.correlation_id():
            told["correlation_id"] = identifier
        return self._tracer.start_as_current_span(name, attributes=told, record_exception=False)

    @contextmanager
    def resumed(self, carried: str) -> Iterator[None]:
        """The context that was carried here; one that is malformed begins a new trace."""
        found = _PARENT.fullmatch(carried)
        if found is None:
            yield
            return
        ids = int(found["trace"], 16), int(found["span"], 16)
        parent = SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(int(found["flags"], 16)))
        if not parent.is_valid:
            yield
            return
        token = context.attach(trace.set_span_in_context(NonRecordingSpan(parent)))
        try:
            yield
        finally:
            context.detach(token)

    def carrier(self) -> str | None:
        """The context of now as W3C writes it."""
        found = self.ids()
        return None if found is None else f"00-{found[0]}-{found[1]}-01"

    def ids(self) -> tuple[str, str] | None:
        """Trace and span of now."""
        now = trace.get_current_span().get_span_context()
        return (f"{now.trace_id:032x}", f"{now.span_id:016x}") if now.is_valid else None

    def stop(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def _plain(value: Any) -> str | int | float | bool:
    if isinstance(value, bool | int | float):
        return value
    return logs.redact(str(value))[:LONGEST]


class JsonLines(SpanExporter):
    """One JSON document a line for each span; a file that is full goes aside as `.1`."""

    def __init__(self, path: Path, largest: int = LARGEST_FILE) -> None:
        self._path, self._largest = path, largest
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append spans; what cannot be written is in the log."""
        text = "".join(f"{json.dumps(_line(span))}\n" for span in spans)
        try:
            with self._lock:
                self._make_room(len(text))
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            log.warning("spans not written", spans=len(spans), error=error.strerror)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _make_room(self, more: int) -> None:
        if self._path.exists() and self._path.stat().st_size + more > self._largest:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))


def _line(span: ReadableSpan) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(span.to_json(indent=None))
    ids = known.pop("context")
    known.pop("resource", None)
    strip = str.removeprefix
    parent = known.pop("parent_id")
    return {
        "trace_id": strip(ids["trace_id"], "0x"),
        "span_id": strip(ids["span_id"], "0x"),
        "parent_id": strip(parent, "0x") if parent else None,
        **known,
    }


def to_places(url: str, file: Path | None) -> OtelTracing:
    """Tracing to a collector at a URL, to a file, or to both."""
    exporters: list[SpanExporter] = [JsonLines(file)] if file is not None else []
    if url:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )

        exporters.append(OTLPSpanExporter(url if url.endswith(PATH) else f"{url}{PATH}"))
    return OtelTracing(exporters)
