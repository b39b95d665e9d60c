"""Sources of a desk, made from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.jobs.pulls import DirectSource, Source
from core.jobs.sec_pulls import SecSource
from core.sources.foundry import FoundryClient
from core.sources.foundry_source import FoundrySource
from core.sources.sec_client import SecClient

if TYPE_CHECKING:
    from core.service.desk import Desk


def build_sources(desk: Desk) -> Mapping[str, Source | DirectSource]:
    """The sources by the word that the catalogue uses for them."""
    return {
        "foundry": FoundrySource(lambda: _foundry(desk), lambda: desk.now().date()),
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


def _foundry(desk: Desk) -> FoundryClient:
    chosen = desk.settings
    token = chosen.foundry_token
    return FoundryClient(
        chosen.foundry_url,
        headers=chosen.foundry_headers,
        token=token.get_secret_value() if token else None,
        idle_seconds=chosen.foundry_idle_seconds,
        total_seconds=chosen.foundry_total_seconds,
        max_bytes=chosen.foundry_max_bytes,
        use_zip=chosen.foundry_use_zip,
        retries=chosen.retries,
        retry_base_seconds=chosen.retry_base_seconds,
        retry_max_seconds=chosen.retry_max_seconds,
        ssl=chosen.foundry_verify_tls,
        directory=desk.downloads,
    )
