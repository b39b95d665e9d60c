"""The right to write to a lake: a lease in PostgreSQL, with an epoch that every commit carries.

Who writes holds an advisory lock of the catalogue in a session of its own. Taking it counts the
epoch up; connections that write bear theirs, and a trigger of the catalogue compares the two in the
transaction of each commit. So a process that was cut off, or slept, commits nothing once another
has taken over, whatever it believes. PostgreSQL alone decides; no clock is compared with another.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import threading
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from core.addresses import LakeAddress
from core.errors import OwnershipError, StoreError
from core.observe import logs
from core.store.connection import first_line

LOCK = 0x6F70656E62656C6C  # "openbell": the advisory lock of the catalogue
WRITER, READER = "openbell writer", "openbell reader"
BEAT_SECONDS = 0.5
SILENCE_SECONDS = 3  # after which PostgreSQL ends the session of a holder that is frozen or cut off
TRY_SECONDS = 0.25
AWAY_SECONDS = 0.5
HINT = "see that PostgreSQL runs, lets the desk in, and has a database of that name"
log = logs.get("lease")
# a server that is gone without a word is noticed within seconds, not after two hours
ALIVE: dict[str, str | int | None] = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4_000,
}
# and so does the server of us: what a dead writer holds must not keep the next one waiting
_MISSED = (
    "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=4000"
)
_TIMES_OUT = 140_000  # the version of PostgreSQL that knows idle_session_timeout
_HELD: LiteralString = (
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
    "AND (classid::bigint << 32) + objid::bigint = %s"
)
_TABLE: LiteralString = (
    "CREATE TABLE IF NOT EXISTS openbell_lease (epoch BIGINT NOT NULL, holder TEXT NOT NULL, "
    "taken_at TIMESTAMPTZ NOT NULL, secret TEXT NOT NULL)"
)
# its commit may be under way, and its machine gone: the next epoch waits for none
_END_OTHERS: LiteralString = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND usename = current_user AND application_name = %s"
)
_NEXT: LiteralString = (
    "UPDATE openbell_lease SET epoch = epoch + 1, holder = %s, taken_at = now() RETURNING epoch"
)
_FIRST: LiteralString = "INSERT INTO openbell_lease VALUES (1, %s, now(), %s) RETURNING epoch"
_FENCE: LiteralString = """
CREATE OR REPLACE FUNCTION openbell_fence() RETURNS trigger LANGUAGE plpgsql AS $fence$
DECLARE current BIGINT;
BEGIN
    SELECT epoch INTO current FROM openbell_lease FOR SHARE;
    IF nullif(current_setting('openbell.epoch', true), '')::bigint IS DISTINCT FROM current THEN
        RAISE EXCEPTION 'openbell: a commit of epoch % where % writes',
            coalesce(nullif(current_setting('openbell.epoch', true), ''), 'none'), current;
    END IF;
    PERFORM pg_notify('openbell', NEW.snapshot_id::text);
    RETURN NEW;
END $fence$
"""
_FENCED: LiteralString = (
    "SELECT count(*) > 0 FROM pg_trigger WHERE tgname = 'openbell_fence' "
    "AND tgrelid = 'ducklake_snapshot'::regclass"
)
_TRIGGER: LiteralString = (
    "CREATE TRIGGER openbell_fence BEFORE INSERT ON ducklake_snapshot "
    "FOR EACH ROW EXECUTE FUNCTION openbell_fence()"
)


class Lease:
    """The right to write, held by a session that does nothing else; `epoch` counts the holders."""

    def __init__(
        self, address: LakeAddress, session: psycopg.Connection[Any], silence_seconds: int = 0
    ) -> None:
        """Of a session that has the lock; see `take` and `contend`."""
        self._address = address
        self._session = session
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self.silence_seconds = silence_seconds  # after which others may take it; 0 for never
        self.epoch = self._begin()
        if silence_seconds and session.info.server_version >= _TIMES_OUT:
            session.execute(f"SET idle_session_timeout = '{int(silence_seconds)}s'".encode())
        threading.Thread(target=self._beat, name="lease", daemon=True).start()

    @classmethod
    def take(cls, address: LakeAddress, silence_seconds: int = 0) -> Lease:
        """The lease, if nobody has it; else OwnershipError. StoreError without PostgreSQL."""
        session = _session(address)
        try:
            if _got(session):
                return cls(address, session, silence_seconds)
        except psycopg.Error as error:
            session.close()
            raise unreachable(error, address) from None
        session.close()
        raise OwnershipError(
            "another desk writes to this lake", where=address.where, hint="stop it first"
        )

    @classmethod
    def contend(cls, address: LakeAddress, stop: threading.Event) -> Lease | None:
        """Wait until the lease is free and take it; None when `stop` is set before.

        Blocks its thread. Where PostgreSQL is away it is asked again. A holder that is silent for
        SILENCE_SECONDS loses it, for others wait.
        """
        while not stop.is_set():
            session: psycopg.Connection[Any] | None = None
            try:
                session = _session(address)
                if _waited(session, stop):
                    return cls(address, session, SILENCE_SECONDS)
                session.close()
            except (psycopg.Error, StoreError) as error:
                if session is not None:  # it may have the lock
                    session.close()
                log.warning("the lease cannot be asked for", error=first_line(error))
                stop.wait(AWAY_SECONDS)
        return None

    def retake(self) -> Lease:
        """A lease that was lost, if nobody has taken it since; OwnershipError as in `take`.

        OwnershipError also for one that was given up.
        """
        self.close()
        if self._given_up.is_set():
            raise OwnershipError("this lease was given up", where=self._address.where)
        found = Lease.take(self._address, self.silence_seconds)
        found._given_up = self._given_up
        return found

    def give_up(self) -> None:
        """Let others have it within BEAT_SECONDS, whatever became of it meanwhile, for good.

        Waits for no transaction of those who write under it: they are refused.
        """
        self._given_up.set()

    def is_held(self) -> bool:
        """Whether PostgreSQL knows the session and its lock; asks it."""
        try:
            return self._ask(_HELD)
        except psycopg.Error as error:
            log.warning("the lease was lost", epoch=self.epoch, error=first_line(error))
            return False

    def fence(self) -> None:
        """Let the catalogue, once it is made, refuse commits of every other epoch."""
        try:
            with self._lock, self._session.transaction():
                self._session.execute(_FENCE)
                fenced = self._session.execute(_FENCED).fetchone()
                if not (fenced and fenced[0]):
                    self._session.execute(_TRIGGER)
        except psycopg.Error as error:
            raise unreachable(error, self._address) from None

    def close(self) -> None:
        """Let go of the lock."""
        self._closing.set()
        with self._lock:
            self._session.close()

    def _begin(self) -> int:
        holder = f"{socket.gethostname()}:{os.getpid()}"
        with self._session.transaction():
            self._session.execute(_TABLE)
            self._session.execute(_END_OTHERS, [WRITER])
            row = self._session.execute(_NEXT, [holder]).fetchone()
            if row is None:
                row = self._session.execute(_FIRST, [holder, secrets.token_hex(32)]).fetchone()
        assert row is not None
        return int(row[0])

    def _beat(self) -> None:
        """Keep the session from being idle for too long, as long as the process runs at all."""
        while not self._closing.wait(BEAT_SECONDS):
            if self._given_up.is_set():
                self.close()
                return
            try:
                self._ask(_HELD)
            except psycopg.Error:  # whoever writes next finds out, and says so
                return

    def _ask(self, sql: LiteralString) -> bool:
        with self._lock:
            row = self._session.execute(sql, [LOCK]).fetchone()
        return bool(row and row[0])


def connection_string(address: LakeAddress, lease: Lease | None) -> str:
    """The catalogue's address for connections of an epoch; without a lease they may only read."""
    name = WRITER if lease else READER
    epoch = f" -c openbell.epoch={lease.epoch}" if lease else ""
    options = quote(_MISSED + epoch)
    alive = "&".join(f"{key}={value}" for key, value in ALIVE.items())
    return f"{address.catalogue}?application_name={quote(name)}&{alive}&options={options}"


def secret_of(address: LakeAddress) -> bytes:
    """What engines and desks of a lake sign with: who may read its catalogue knows it."""
    try:
        with _session(address) as session:
            row = session.execute("SELECT secret FROM openbell_lease").fetchone()
    except psycopg.Error as error:
        raise unreachable(error, address) from None
    if row is None:
        raise StoreError("no engine has led this lake yet", where=address.where)
    return bytes.fromhex(row[0])


def name_of(address: LakeAddress) -> str:
    """What a lake is called wherever it is reached from; tells nothing of its secret."""
    return f"lake {hashlib.sha256(b'name' + secret_of(address)).hexdigest()[:16]}"


def unreachable(error: Exception, address: LakeAddress) -> StoreError:
    """A failure of the catalogue without its password."""
    told = re.sub(r"://[^@/\s]*@", "://", first_line(error))
    return StoreError(f"the lake cannot be opened: {told}", where=address.where, hint=HINT)


def _session(address: LakeAddress) -> psycopg.Connection[Any]:
    try:
        asked = make_conninfo(address.catalogue, **ALIVE, options=_MISSED)
        return psycopg.connect(asked, autocommit=True)
    except psycopg.Error as error:
        raise unreachable(error, address) from None


def _got(session: psycopg.Connection[Any]) -> bool:
    row = session.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])


def _waited(session: psycopg.Connection[Any], stop: threading.Event) -> bool:
    while not stop.is_set():
        if _got(session):
            return True
        stop.wait(TRY_SECONDS)
    return False


class LakeWatch:
    """What a reader sees of a lake from outside: its newest snapshot, and whether one writes."""

    _LOOK: LiteralString = (
        "SELECT (SELECT max(snapshot_id) FROM ducklake_snapshot), EXISTS (SELECT FROM pg_locks l "
        "JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.granted "
        "AND d.datname = current_database() "
        "AND (l.classid::bigint << 32) + l.objid::bigint = %s)"
    )

    def __init__(self, address: LakeAddress) -> None:
        self._address = address
        self._session: psycopg.Connection[Any] | None = None

    def look(self) -> tuple[int, bool]:
        """Number of the newest snapshot, and whether somebody has the lease; else StoreError."""
        try:
            row = self._open().execute(self._LOOK, [LOCK]).fetchone()
        except psycopg.Error as error:
            self.close()
            raise unreachable(error, self._address) from None
        assert row is not None
        return int(row[0] or 0), bool(row[1])

    def wait(self, seconds: float) -> bool:
        """Whether a snapshot was committed meanwhile; returns with the first, or in time."""
        try:
            return bool(list(self._open().notifies(timeout=seconds, stop_after=1)))
        except psycopg.Error as error:
            self.close()
            raise unreachable(error, self._address) from None

    def close(self) -> None:
        """Let go of the session."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open(self) -> psycopg.Connection[Any]:
        if self._session is None or self._session.closed:
            self._session = _session(self._address)
            self._session.execute("LISTEN openbell")
        return self._session
