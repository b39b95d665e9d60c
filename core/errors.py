"""The one error tree of Openbell.

    OpenbellError
    ├── TransportError          could not ask
    │   ├── DeadlineError           no answer in time (idle or total deadline)
    │   ├── ConnectionLostError     refused, dropped, closed before the end
    │   ├── ServerError             the other side answered 5xx
    │   │   ├── QueryFailedError        the other side is there; what stands behind it refused
    │   │   └── ForeignAnswerError      somebody else answers in its place, as a proxy's sign-in
    │   ├── RateLimitedError        429: slow down (carries retry_after_seconds)
    │   ├── PausedError             nothing may be asked before an instant (carries until)
    │   │   ├── BlockedError            403 block: the other side told us to stay away
    │   │   └── UpstreamDownError       its circuit breaker is open: the host is down
    │   ├── StoreError              the store cannot be read or written (disk full, damaged)
    │   │   ├── LostLeaseError          another process writes to the store now
    │   │   └── ReadOnlyError           nobody writes to the store now, or not in time
    │   └── PullCancelledError      the user called it off
    ├── NotFoundError           does not exist
    ├── ParsingError            cannot be read
    │   ├── ProtocolError           the other side broke its own protocol
    │   ├── IntegrityError          hash, length or row count differ from what was announced
    │   ├── SizeLimitError          larger than allowed (bomb, huge frame, huge body)
    │   └── SchemaError             a frame or file does not fit its declared schema
    └── ValidationError         is not allowed
        ├── SettingsError           a setting is unknown or malformed
        ├── CatalogueError          a mistake in the catalogue (file, line, dataset, key)
        ├── ScheduleError           a schedule rule or instant is malformed (also a ValueError)
        ├── UsageError              wrong use of a command or use case
        ├── AccessError             401/403: the other side does not let us
        │   └── SignInError             nobody has signed in, or with a token that does not count
        ├── RoleError               who acts may not do that
        ├── TooManyError            asked too often (carries retry_after_seconds)
        ├── ConflictError           what is asked for contradicts what is under way or stands
        │   └── UnderWayError           the same call is being done: ask again
        └── OwnershipError          the data folder belongs to another process

Each error says what was asked, of whom, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_WISH = 366 * 86_400.0  # seconds; what is added to an instant must stay one


class OpenbellError(Exception):
    """Root of all errors that Openbell raises on purpose.

    `message` is one sentence; `where` names host and path (or file); `hint` says what to do.
    `transient` tells whether asking again may help; `exit_code` is what a command then leaves with
    (1 failed, 2 wrong use).
    """

    kind = "failed"
    transient = False
    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message.rstrip(".")]
        if self.where and self.where not in self.message:
            parts[0] += f" [{self.where}]"
        if self.hint:
            parts.append(self.hint.rstrip("."))
        said = ". ".join(parts)
        return said if said.endswith("?") else said + "."


class TransportError(OpenbellError):
    """Could not ask."""

    kind = "could not ask"
    transient = True


class DeadlineError(TransportError):
    """No answer before the idle or the total deadline."""


class ConnectionLostError(TransportError):
    """The connection was refused, dropped, or closed before the end."""


class ServerError(TransportError):
    """The other side answered with a 5xx status."""


class QueryFailedError(ServerError):
    """The other side is there, but what it asked for us was refused or broke."""


class ForeignAnswerError(ServerError):
    """Somebody else answers in the other side's place: a proxy's page, or no HTTP at all."""


class RateLimitedError(TransportError):
    """The other side asks us to slow down (429)."""

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retry_after_seconds = retry_after_seconds

    @staticmethod
    def seconds_asked(retry_after: str, now: datetime) -> float | None:
        """Seconds that a header `Retry-After` asks for from `now`, by a number or a date.

        A year at most; None without a readable one.
        """
        text = retry_after.strip()
        if text.isascii() and text.isdecimal() and len(text) < 100:
            return min(float(text), LONGEST_WISH)
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return min(max(0.0, (at - now).total_seconds()), LONGEST_WISH)


class PausedError(TransportError):
    """Nothing may be asked before `until` (UTC); whoever waits until then loses nothing."""

    transient = False

    def __init__(
        self, message: str, *, until: datetime, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.until = until


class BlockedError(PausedError):
    """The other side has blocked us."""


class UpstreamDownError(PausedError):
    """The host has not answered lately; `until` is when it is asked for a sign of life."""


class StoreError(TransportError):
    """The store could not be read or written."""

    transient = False


class LostLeaseError(StoreError):
    """The right to write went to another process."""

    transient = True


class ReadOnlyError(StoreError):
    """This process only reads, and no other one has done what was asked."""


class PullCancelledError(TransportError):
    """The pull was cancelled by its user."""

    transient = False


class NotFoundError(OpenbellError):
    """What was asked for does not exist."""

    kind = "does not exist"
    exit_code = 2


class ParsingError(OpenbellError):
    """An answer or file cannot be read."""

    kind = "cannot be read"


class ProtocolError(ParsingError):
    """The other side broke its own protocol."""

    transient = True


class IntegrityError(ParsingError):
    """A hash, length or count differs from what was announced."""

    transient = True


class SizeLimitError(ParsingError):
    """An answer is larger than allowed."""


class SchemaError(ParsingError):
    """A frame or file does not fit its declared schema."""


class ValidationError(OpenbellError):
    """What was asked for is not allowed."""

    kind = "is not allowed"
    exit_code = 2


class SettingsError(ValidationError):
    """A setting is unknown or malformed."""


class CatalogueError(ValidationError):
    """A mistake in the catalogue."""


class ScheduleError(ValidationError, ValueError):
    """A schedule rule, or the instant asked about, is malformed."""


class UsageError(ValidationError):
    """A command or use case was used wrongly; `fields` says what is wrong with which argument."""

    fields: tuple[tuple[str, str], ...] = ()  # also of one that another process has told

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        fields: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.fields = tuple(fields)


class AccessError(ValidationError):
    """The other side does not let us in (401, 403 without a block)."""

    exit_code = 1


class SignInError(AccessError):
    """Nobody has signed in, or with something that does not count (any more)."""


class RoleError(ValidationError):
    """Whoever acts has a role that may not do that."""

    exit_code = 1


class TooManyError(ValidationError):
    """Somebody asked more often than they may."""

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        retry_after_seconds: int = 1,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class ConflictError(ValidationError):
    """What is asked for contradicts what is under way, or what stands already."""

    exit_code = 1


class UnderWayError(ConflictError):
    """The same call is being done; its answer is given to whoever asks again."""


class OwnershipError(ValidationError):
    """The data folder is owned by another process."""

    exit_code = 1


def rebuilt(name: str, message: str, *, where: str | None, hint: str | None) -> OpenbellError:
    """The error of the tree with that class name, as another process of ours has told it."""
    kind = {k.__name__: k for k in tree()}.get(name, OpenbellError)
    error = kind.__new__(kind)
    OpenbellError.__init__(error, message, where=where, hint=hint)
    return error


def document(error: OpenbellError) -> dict[str, Any]:
    """The JSON object of an error, for the API and for `--json`."""
    return {
        "error": {
            "type": type(error).__name__,
            "kind": error.kind,
            "message": error.message,
            "where": error.where,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
    }


def tree(kind: type[OpenbellError] = OpenbellError) -> list[type[OpenbellError]]:
    """A kind of error and all those below it."""
    return [kind, *(below for child in kind.__subclasses__() for below in tree(child))]
