"""Sources of a desk and the hosts behind them, made from its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from yarl import URL

from core.domain.tables.datasets import Dataset
from core.jobs.pulling.puller import DirectSource, Source
from core.jobs.pulling.sec import SecSource
from core.service import plugged
from core.service.kernel.port import DeskPort
from core.settings import Settings
from core.sources.foundry.by_settings import client_by
from core.sources.foundry.client import FoundryClient
from core.sources.foundry.source import FoundrySource, VersionCount
from core.sources.sec.body import MIB
from core.sources.sec.client import SecClient
from core.sources.upstreams import Breakers, Upstream, UpstreamGate, Upstreams
from core.store.pulls import version_count
from core.store.watchlist import watched

SEC_WWW = ("company_tickers", "daily-index", "current")


def build_upstreams(
    settings: Settings, now: Callable[[], datetime], breakers: Breakers
) -> Upstreams:
    """The hosts that the settings name."""
    hosts = [
        foundry_host(settings),
        sec_host(settings.sec_data_url),
        sec_host(settings.sec_www_url),
    ]
    return Upstreams(hosts, breakers, now)


def foundry_host(settings: Settings) -> Upstream:
    """The container's host."""
    return Upstream("foundry", _host(settings.foundry_url), "container")


def sec_host(base_url: str) -> Upstream:
    """One of the SEC's hosts."""
    return Upstream("sec", _host(base_url), "SEC")


def host_of(settings: Settings, dataset: Dataset) -> Upstream | None:
    """The host that a dataset is asked of; None for one that comes from files."""
    if dataset.source == "foundry":
        return foundry_host(settings)
    if dataset.source == "sec":
        www = dataset.upstream.startswith(SEC_WWW)
        return sec_host(settings.sec_www_url if www else settings.sec_data_url)
    return None


def _host(url: str) -> str:
    return URL(url).authority.rpartition("@")[2]


async def sign_of_life(desk: DeskPort, host: Upstream) -> None:
    """One light request to a host; a typed error when it is down."""
    if host.source == "foundry":
        async with foundry_client(desk) as client:
            await client.sign_of_life()
        return
    chosen = desk.settings
    limits = desk.limits
    async with SecClient.from_settings(
        chosen, now=desk.now, block=limits.block, limiter=limits.limiter
    ) as client:
        if host == sec_host(chosen.sec_www_url):
            await client.sign_of_life(f"{client.www_url}/files/company_tickers.json")
        else:
            await client.sign_of_life(f"{client.data_url}/submissions/CIK0000320193.json")


def build_sources(desk: DeskPort) -> Mapping[str, Source | DirectSource]:
    """The sources by the word that the catalogue uses for them; those of plugins, too."""
    return {
        **plugged.sources(desk.settings),
        "foundry": FoundrySource(
            lambda: foundry_client(desk),
            lambda: desk.now().date(),
            lambda sha256: VersionCount(*version_count(desk.warehouse, sha256)),
            desk.settings.foundry_counts,
            now=desk.now,
            turns=desk.limits.turns,
        ),
        "sec": SecSource(
            lambda: sec_client(desk),
            desk.warehouse,
            lambda: watched(desk.warehouse),
            desk.now,
        ),
    }


def _gate(desk: DeskPort, host: Upstream) -> UpstreamGate:
    """The gate of a host, which knows for how many datasets it is asked."""
    asked = sum(host_of(desk.settings, dataset) == host for dataset in desk.catalogue.enabled)
    return desk.upstreams.gate(host, asked)


def sec_client(desk: DeskPort, max_bytes: int = 256 * MIB) -> SecClient:
    """A client of the SEC by the settings, behind the gates of its hosts."""
    return SecClient.from_settings(
        desk.settings,
        lambda url: _gate(desk, sec_host(url)),
        desk.now,
        block=desk.limits.block,
        limiter=desk.limits.limiter,
        max_bytes=max_bytes,
    )


def foundry_client(desk: DeskPort, *, patience_seconds: float | None = None) -> FoundryClient:
    """A client of the container by the settings; `patience_seconds` shortens its deadlines."""
    return client_by(
        desk.settings,
        patience_seconds=patience_seconds,
        directory=desk.downloads,
        gate=_gate(desk, foundry_host(desk.settings)),
    )
