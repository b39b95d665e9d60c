"""A client of the container by the settings."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings
from core.sources.foundry.client import FoundryClient
from core.sources.upstreams import UpstreamGate


def client_by(
    chosen: Settings,
    *,
    elsewhere: str | None = None,
    patience_seconds: float | None = None,
    directory: Path | None = None,
    gate: UpstreamGate | None = None,
) -> FoundryClient:
    """A client of the container that the settings name, or of one `elsewhere`.

    That one is not told token and headers, which are not its own. `patience_seconds` shortens the
    deadlines.
    """
    limit = patience_seconds or chosen.foundry_total_seconds
    token = None if elsewhere else chosen.foundry_token
    return FoundryClient(
        elsewhere or chosen.foundry_url,
        headers=None if elsewhere else chosen.foundry_headers,
        token=token.get_secret_value() if token else None,
        idle_seconds=min(limit, chosen.foundry_idle_seconds),
        total_seconds=min(limit, chosen.foundry_total_seconds),
        max_bytes=chosen.foundry_max_bytes,
        use_zip=chosen.foundry_use_zip,
        retries=chosen.retries,
        retry_base_seconds=chosen.retry_base_seconds,
        retry_max_seconds=chosen.retry_max_seconds,
        ssl=chosen.foundry_verify_tls,
        directory=directory,
        gate=gate,
    )
