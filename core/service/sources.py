"""Sources of a desk, made from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.jobs.pulls import DirectSource, Source
from core.jobs.sec_pulls import SecSource
from core.sources.foundry import FoundryClient
from core.sources.foundry_source import FoundrySource, VersionCount
from core.sources.sec_client import SecClient
from core.store.pulls import version_count

if TYPE_CHECKING:
    from core.service.desk import Desk


def build_sources(desk: Desk) -> Mapping[str, Source | DirectSource]:
    """The sources by the word that the catalogue uses for them."""
    return {
        "foundry": FoundrySource(
            lambda: foundry_client(desk),
            lambda: desk.now().date(),
            lambda sha256: VersionCount(*version_count(desk.warehouse, sha256)),
            desk.settings.foundry_counts,
        ),
        "sec": SecSource(
            lambda: SecClient.from_settings(desk.settings),
            desk.warehouse,
            lambda: _watched(desk),
            desk.now,
        ),
    }


def _watched(desk: Desk) -> list[int]:
    from core.service.companies import watched  # which asks for refreshes, which ask a desk

    return watched(desk)


def foundry_client(desk: Desk, *, patience_seconds: float | None = None) -> FoundryClient:
    """A client of the container by the settings; `patience_seconds` shortens its deadlines."""
    chosen = desk.settings
    limit = patience_seconds or chosen.foundry_total_seconds
    token = chosen.foundry_token
    return FoundryClient(
        chosen.foundry_url,
        headers=chosen.foundry_headers,
        token=token.get_secret_value() if token else None,
        idle_seconds=min(limit, chosen.foundry_idle_seconds),
        total_seconds=min(limit, chosen.foundry_total_seconds),
        max_bytes=chosen.foundry_max_bytes,
        use_zip=chosen.foundry_use_zip,
        retries=chosen.retries,
        retry_base_seconds=chosen.retry_base_seconds,
        retry_max_seconds=chosen.retry_max_seconds,
        ssl=chosen.foundry_verify_tls,
        directory=desk.downloads,
    )
