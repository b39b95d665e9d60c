"""The upstream hosts for people: which are down, since when, and when they are asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.domain.access.principals import Role
from core.domain.breaker import State
from core.service.kernel.commands import command
from core.service.sources import host_of
from core.sources.upstreams import Upstream

if TYPE_CHECKING:
    from core.service.desk import Desk


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """One host with the state of its breaker; instants in UTC, all None while it is closed.

    `since`: when the outage began; `asked_at`: when the host was asked last; `next_probe`: when
    it is asked for a sign of life. `blocked`: it has told us to stay away until then.
    """

    host: str
    source: str
    label: str
    state: State
    since: datetime | None
    asked_at: datetime | None
    next_probe: datetime | None
    last_error: str | None
    blocked: bool
    datasets: tuple[str, ...]


def overview(desk: Desk) -> list[UpstreamStatus]:
    """Every configured host, in the order of the settings."""
    return [_status(desk, host) for host in desk.upstreams.hosts]


def down(desk: Desk) -> list[UpstreamStatus]:
    """The hosts that are down, in the order of the settings; every page asks for them."""
    known = ((host, desk.upstreams.breaker(host)) for host in desk.upstreams.hosts)
    return [_status(desk, host) for host, breaker in known if breaker.state != "closed"]


def states(desk: Desk) -> dict[str, State]:
    """The state of its host by dataset, for the datasets that have one."""
    return {name: found.state for found in overview(desk) for name in found.datasets}


def _status(desk: Desk, host: Upstream) -> UpstreamStatus:
    known = desk.upstreams.breaker(host)
    is_down = known.since is not None
    return UpstreamStatus(
        host=host.host,
        source=host.source,
        label=host.label,
        state=known.state,
        since=known.since,
        asked_at=known.asked_at if is_down else None,
        next_probe=known.next_probe,
        last_error=known.last_error,
        blocked=known.is_blocked(desk.now()),
        datasets=tuple(
            dataset.name
            for dataset in desk.catalogue.datasets.values()
            if host_of(desk.settings, dataset) == host
        ),
    )


@command("upstreams", needs=Role.VIEWER)
def upstreams_command(desk: Desk) -> dict[str, Any]:
    """The circuit breaker of each upstream host: closed, open since, next probe, last error."""
    return {
        "upstreams": [
            {
                "host": item.host,
                "source": item.source,
                "state": item.state,
                "since": item.since,
                "asked_at": item.asked_at,
                "next_probe": item.next_probe,
                "blocked": item.blocked,
                "last_error": item.last_error,
                "datasets": list(item.datasets),
            }
            for item in overview(desk)
        ]
    }
