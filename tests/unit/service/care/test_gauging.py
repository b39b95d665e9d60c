"""A scrape: at the root, never HTML, with what is so now, also while the store is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from app.api import health
from core.errors import StoreError
from core.observe import gauges, metrics
from core.service import current
from core.service.care import gauging
from core.service.desk import Desk
from core.service.kernel import commands
from core.service.trading import journal
from tests import api_desk


@pytest.fixture
def scraped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    """A client of the API with what stands at the root."""
    monkeypatch.setattr(metrics, "_CACHE_SECONDS", -1.0)
    monkeypatch.setattr(current, "_desk", desk, raising=False)
    current.use(desk)
    app = Starlette(
        routes=[Route("/metrics", health.metrics_at_root), Mount("/api", api_desk.application())]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk")


async def test_metrics_are_text_wherever_they_are_asked_for(
    desk: Desk, scraped: httpx.AsyncClient
) -> None:
    """Also of a browser, and before a desk is open."""
    journal.deposit(desk, Decimal("5.00"), date(2024, 1, 3))
    commands.run(desk, "status", {})
    async with scraped as client:
        for path in ("/metrics", "/api/metrics", "/api/metrics"):
            answer = await client.get(path, headers={"Accept": "text/html"})
            assert answer.headers["content-type"].startswith("text/plain")
        text = answer.text
        current.use(None)
        assert (await client.get("/metrics")).headers["content-type"].startswith("text/plain")
    for line in (
        'openbell_grades{grade="A"} 0.0',
        "openbell_audit_entries 1.0",
        'openbell_commands_total{command="status",outcome="done"}',
        'openbell_api_requests_total{method="GET",route="/metrics",status="200"}',
        "openbell_store_transaction_duration_seconds_count",
    ):
        assert line in text, line
    assert gauges.RESIDENT_BYTES._value.get() > 10_000_000
    assert gauges.DISK_FREE_BYTES._value.get() > 0


def test_a_broken_store_hides_no_other_gauge(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be told is told."""
    desk = make_desk()

    def broken(*_: Any) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(desk.warehouse, "read", broken)
    gauges.RESIDENT_BYTES.set(0)
    gauges.BACKUPS_KEPT.set(7)
    gauging.gauge(desk)
    assert gauges.RESIDENT_BYTES._value.get() > 0
    assert gauges.BACKUPS_KEPT._value.get() == 0


@pytest.mark.in_file
def test_what_keeps_the_desk_from_serving_is_told_by_check(desk: Desk) -> None:
    """A queue whose file is gone was told by readiness alone, and rang nowhere."""

    def failing() -> dict[str, float]:
        gauging.gauge(desk)
        (family,) = gauges.NOT_SERVING.collect()
        return {sample.labels["check"]: sample.value for sample in family.samples}

    desk.start(scheduler=False)
    assert failing() == dict.fromkeys(("store", "write", "queue", "engine", "disk"), 0.0)
    aside = desk.settings.queue_path.rename(desk.settings.data_dir / "aside")
    assert [name for name, value in failing().items() if value] == ["queue"]
    aside.rename(desk.settings.queue_path)
    assert not any(failing().values())
