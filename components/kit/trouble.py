"""What is wrong, in one calm line (what, since when, next try); the rest behind *Details*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from components.kit import badges, formats
from core.service.pulls.datasets import DatasetStatus
from core.service.pulls.upstreams import UpstreamStatus


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with the desk or with a host: what, and since when in words."""

    what: str
    when: str

    @property
    def whole(self) -> str:
        """All of it in one line."""
        return f"{self.what} {self.when}"


def outage(host: UpstreamStatus, zone: str) -> Trouble:
    """A host that is down: since when, and when it is asked again."""
    what = "has blocked us" if host.blocked else "down"
    since, asked = formats.clock(host.since, zone), formats.clock(host.asked_at, zone)
    when = f"since {since}, asked again {asked} {formats.zone_label(zone)}"
    return Trouble(f"{host.label} {what}", when)


def together(faults: Sequence[Trouble]) -> list[str]:
    """The badge of a header: a fault whole, of several what each is (`whole` has the rest), so
    that they take no row more than one does.
    """
    if len(faults) < 2:
        return [badges.badge(fault.whole, "red") for fault in faults]
    return [badges.badge(" · ".join(fault.what for fault in faults), "red")]


def whole(faults: Sequence[Trouble]) -> list[str]:
    """What `together` leaves out, a line for each fault; nothing where it leaves nothing out."""
    if len(faults) < 2:
        return []
    return [badges.plain(formats.sentence(fault.whole)) for fault in faults]


def line(status: DatasetStatus, zone: str) -> str:
    """What, since when, and when it is tried again, as Markdown; empty without a fault."""
    said = status.fault
    if not said:
        return ""
    parts = [f"**{badges.plain(formats.sentence(said).rstrip('.'))}**"]
    if status.failing_since is not None:
        parts.append(f"since {formats.when(status.failing_since, zone)}")
    if status.next_try is not None:
        parts.append(f"next try {formats.when(status.next_try, zone)}")
    return " · ".join(parts)


def details(lines: Sequence[str], *, key: str) -> None:
    """What else is known, behind *Details*; nothing for no lines."""
    told = [item for item in lines if item]
    if told:
        with st.popover("Details", type="tertiary", key=f"details_{key}"):
            st.markdown("  \n".join(told))
