"""Principals and roles: who acts, and whether that is enough.

viewer    reads
analyst   and pulls, imports, follows companies, keeps views, proposes plans
trader    and approves, rejects, settles, posts and reverses
admin     and people, tokens, backups
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may; each role may what those before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    TRADER = "trader"
    ADMIN = "admin"


ORDER = tuple(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: `issuer` vouches for `subject`; without a role nothing may be done."""

    issuer: str
    subject: str
    name: str
    role: Role | None

    def may(self, needed: Role) -> bool:
        """Whether the role is enough."""
        return self.role is not None and ORDER.index(self.role) >= ORDER.index(needed)

    @property
    def key(self) -> tuple[str, str]:
        """What roles, preferences and limits are kept by."""
        return self.issuer, self.subject


THIS_MACHINE, TOKENS, PROXY = "this machine", "token", "proxy"
LOCAL = Principal(THIS_MACHINE, "local", "local", Role.ADMIN)  # whoever has the data folder
ENGINE = Principal(THIS_MACHINE, "engine", "the desk", Role.ADMIN)  # jobs and schedules
NOBODY = Principal("", "", "nobody", None)


def highest(roles: Iterable[Role]) -> Role | None:
    """The role that may the most; None of none."""
    return max(roles, key=ORDER.index, default=None)
