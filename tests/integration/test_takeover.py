"""The engine that leads is killed: another one leads, and no acknowledged word is lost."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import httpx
import pytest

from tests import cluster_rig, postgres_server, redis_server


@pytest.mark.crash
@pytest.mark.thorough
def test_another_engine_takes_over_from_one_that_is_killed(tmp_path: Path) -> None:
    """What a desk was told to be done before is there once; what it asks meanwhile is done."""
    if not postgres_server.programs() or not importlib.util.find_spec("duckdb_extension_ducklake"):
        pytest.skip(postgres_server.MISSING)
    if not redis_server.installed():
        pytest.skip(redis_server.MISSING)
    with cluster_rig.running(tmp_path, engines=2, desks=1) as cluster:
        (desk,) = cluster.desks
        first = cluster.await_leader()
        desk.call("journal_deposit", amount="1.00", memo="before the kill")
        first.kill()
        second = cluster.await_leader(other_than=first.pid)
        desk.call("journal_deposit", amount="2.00", memo="after the kill")
        assert second is not first
        assert cluster.sql("SELECT epoch FROM openbell_lease") == [(2,)]
        first.start()
        first.await_up()
        ready = httpx.get(f"http://127.0.0.1:{first.port}/api/health/ready")
        assert ready.status_code == 503, ready.text
        assert "stands by" in ready.text
        written = desk.export("journal")
        assert "before the kill" in written
        assert "after the kill" in written
        entries = {row.split(",")[0] for row in written.splitlines() if "the kill" in row}
        assert len(entries) == 2, written
