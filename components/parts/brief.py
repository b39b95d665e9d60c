"""What the page *Brief* is made of: the sheet as it is printed, and its files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import streamlit as st

from components.kit import once, reader, shell
from components.paper import brief, html, pdf
from components.paper.sheet import Sheet
from core import clock
from core.service.brief import gather
from core.service.care import preferences
from core.service.desk import Desk


def asked(text: str) -> datetime | None:
    """The instant of the address, New York time without a zone; None for now."""
    return clock.instant(text) if text.strip() else None


def made(desk: Desk, at: datetime | None) -> Sheet:
    """The sheet of an instant; of now it is kept for a minute or until the next commit."""
    moment = at or desk.now().replace(second=0, microsecond=0)
    zone, mine = shell.zone(), shell.mine()
    own = (preferences.reader_now(desk), *mine.filters.items(), *mine.weights.items())
    return shell.cached_until_commit(
        desk,
        lambda: brief.sheet(gather.gather(desk, at), zone),
        *("brief", at is None, moment, zone, own),
    )


def files(desk: Desk, sheet: Sheet) -> None:
    """Downloads of the sheet, made when they are clicked."""
    name = f"brief-{sheet.made_at:%Y-%m-%d-%H%M}"
    label = "simulated-" if desk.settings.simulated else ""
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("PDF", "application/pdf", lambda: pdf.document(sheet)),
        ("HTML", "text/html", lambda: html.document(sheet).encode()),
    )
    for kind, mime, make in kinds:
        st.download_button(
            f"Brief as {kind}",
            data=reader.bound(make),
            file_name=f"{label}{name}.{kind.lower()}",
            mime=mime,
            on_click="ignore",
            key=f"brief_{kind}",
        )


def show(sheet: Sheet) -> None:
    """The sheet in the page, in the inks of its theme; printed it is light."""
    dark = st.context.theme.type == "dark"
    st.html(once.cached_for_owner(sheet, lambda: _part(sheet, dark), "part", dark))


def _part(sheet: Sheet, dark: bool) -> str:
    inks = html.DARK if dark else html.LIGHT
    return f"<style>{html.style(dark=dark)}</style>{html.part(sheet, pictures=inks)}"
