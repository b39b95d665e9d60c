"""What was taken from somebody, beside the store: no older copy of the store gives it back.

Tokens that were revoked and sessions that were ended, as digests, secrets that were changed with
the instant until which the older one and its sessions count, and the roles that admins have set.
The file stands before the change does, and is in no backup.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from core import atomic
from core.domain.access.principals import Role
from core.domain.access.tokens import Person
from core.errors import IntegrityError

FILE = "withdrawn.json"
MOST_SESSIONS = 10_000  # the oldest are forgotten first: they have run out long ago


@dataclass(slots=True)
class Withdrawn:
    """The file of a data folder, in memory."""

    path: Path
    tokens: list[str] = field(default_factory=list)  # SHA-256
    sessions: list[str] = field(default_factory=list)  # SHA-256
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)  # by "issuer\nsubject"
    replaced: dict[str, str] = field(default_factory=dict)  # SHA-256 -> instant, ISO

    @classmethod
    def of(cls, folder: Path) -> Withdrawn:
        """What the folder holds; nothing without a file. IntegrityError when it cannot be read."""
        path = folder / FILE
        try:
            held = orjson.loads(path.read_bytes())
            replaced = dict(held.get("replaced", {}))  # files of earlier versions have none
            roles = dict(held["roles"])
            return cls(path, list(held["tokens"]), list(held["sessions"]), roles, replaced)
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                "what was revoked cannot be read, so nobody is let in",
                where=str(path),
                hint="look at the file; without it, revoke anew what must not count (token list)",
            ) from error

    def token(self, sha256: str) -> None:
        """Note a token that was revoked."""
        if sha256 not in self.tokens:
            self.tokens.append(sha256)
            self._write()

    def secret(self, sha256: str, until: datetime) -> None:
        """Note a secret that was changed, and until when the older one counts: never longer.

        A session that began with it ends by then, and is noted likewise.
        """
        known = self.until(sha256)
        if known is None or until < known:
            self.replaced[sha256] = until.isoformat()
            self._write()

    def until(self, sha256: str) -> datetime | None:
        """Until when a secret that was changed counts; None for one that was not."""
        found = self.replaced.get(sha256)
        return None if found is None else datetime.fromisoformat(found)

    def session(self, sha256: str) -> None:
        """Note a session that was ended."""
        self.sessions = [*self.sessions[1 - MOST_SESSIONS :], sha256]
        self._write()

    def role(self, person: Person) -> None:
        """Note the role that an admin has set for somebody."""
        key = f"{person.issuer}\n{person.subject}"
        self.roles[key] = {"name": person.name, "role": person.role}
        self._write()

    def role_of(self, person: Person) -> tuple[bool, Role | None]:
        """Whether an admin has set the role of somebody, and which."""
        found = self.roles.get(f"{person.issuer}\n{person.subject}")
        if found is None:
            return False, None
        return True, Role(found["role"]) if found["role"] else None

    def _write(self) -> None:
        held = {
            "tokens": self.tokens,
            "sessions": self.sessions,
            "roles": self.roles,
            "replaced": self.replaced,
        }
        atomic.write(self.path, orjson.dumps(held))
