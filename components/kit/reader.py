"""Who reads a page: their name in its header, and what they may not press, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from components.kit import badges
from core.domain.access.principals import Role
from core.service import current
from core.service.care import preferences
from core.service.desk import Desk
from core.service.kernel import access

T = TypeVar("T")


def must_read(desk: Desk) -> None:
    """Refuse a page to those who may not read; SignInError or RoleError says why."""
    access.drawn_for(desk, Role.VIEWER, "reading the desk")


def said(desk: Desk) -> str:
    """Name and role of the reader and the way out, as Markdown; empty on a desk of one person."""
    if desk.settings.access == "open":
        return ""
    who = access.principal(desk)
    return f"  \n:small[:gray[{badges.plain(who.name)} · {who.role} · [sign out](/sign-out)]]"


def take_over(desk: Desk) -> None:
    """Give an admin the preferences of the time before anybody signed in, once."""
    if desk.settings.access == "open" or not may(desk, Role.ADMIN):
        return
    if preferences.to_take_over(desk):
        preferences.take_over(desk)


def may(desk: Desk, role: Role) -> bool:
    """Whether the reader has that role."""
    return access.principal(desk).may(role)


def button(desk: Desk, role: Role, **given: Any) -> dict[str, Any]:
    """The arguments of a button that needs a role: disabled with the reason for all others."""
    if may(desk, role):
        return given
    return given | {"disabled": True, "help": f"This needs the role {role}."}


def analyst(desk: Desk, **given: Any) -> dict[str, Any]:
    """The arguments of a button for analysts and above."""
    return button(desk, Role.ANALYST, **given)


def trader(desk: Desk, **given: Any) -> dict[str, Any]:
    """The arguments of a button for traders and above."""
    return button(desk, Role.TRADER, **given)


def bound(make: Callable[[], T]) -> Callable[[], T]:
    """The same, done as whoever reads now: files are made later, outside the page's run.

    Streamlit makes one for whichever socket names it: another reader's is refused.
    """
    who = access.principal(current.desk())

    def as_reader() -> T:
        access.must_be_asked_by(who, "a download")
        with access.acting(who):
            return make()

    return as_reader
