"""What is wrong with a dataset in one calm line (what, since when, next try); the rest behind."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from components.kit import badges, formats
from core.service.pulls.datasets import DatasetStatus


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
