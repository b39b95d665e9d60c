"""Captured documents of the SEC as they are served again."""

from __future__ import annotations

import gzip
from pathlib import Path

from core.sandbox.sec.replay import ReplayProvider

PATH = "/files/company_tickers_exchange.json"


def test_a_file_that_changes_is_served_as_it_is_now(tmp_path: Path) -> None:
    """Two pulls from one stand-in can so see a ticker pass to another company."""
    file = tmp_path / "sec" / "reference" / "company_tickers_exchange.json.gz"
    file.parent.mkdir(parents=True)
    replay = ReplayProvider(tmp_path)
    for body in (b"the first map", b"another map, and longer"):
        file.write_bytes(gzip.compress(body))
        found = replay.document(PATH, {})
        assert found is not None
        assert found.body == body
    assert replay.document(PATH, {}) is replay.document(PATH, {})
