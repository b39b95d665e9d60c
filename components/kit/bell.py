"""The bell: how many alerts the reader has not read, in the status line of every page."""

from __future__ import annotations

from components.kit import links, once
from core.service.alerts import bell
from core.service.care import preferences
from core.service.desk import Desk

MOST = 99


def said(desk: Desk) -> str:
    """The bell as Markdown; its number is what is unread."""
    count = unread(desk)
    number = f" **{count if count <= MOST else f'{MOST}+'}**" if count else ""
    words = f":material/notifications:{number}"
    return f"[{f':orange[{words}]' if count else words}]({links.url('alerts')})"


def unread(desk: Desk) -> int:
    """Unread alerts of the reader, counted again after each commit."""
    warehouse = desk.warehouse
    key = ("unread", str(warehouse.path), warehouse.commits, preferences.reader_now(desk))
    return once.cached(lambda: bell.unread(desk), *key)
