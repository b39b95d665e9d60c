"""An engine among several: it stands by until the lease is free, leads, and stands by again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.addresses import LakeAddress
from core.errors import LostLeaseError, OpenbellError, StoreError
from core.observe import logs
from core.store import lake
from core.store.lease import SILENCE_SECONDS, Lease

if TYPE_CHECKING:
    from core.service.desk import Desk

LOOK_SECONDS = 0.5
PAUSE_SECONDS = 1.0
STANDS_BY = "stands by: another engine leads, or none can reach the lake"
log = logs.get("leadership")


class Leadership:
    """Competes for a lake in a thread; while it leads, the desk that `lead` opens is open."""

    def __init__(
        self,
        address: LakeAddress,
        lead: Callable[[Lease], Desk],
        leave: Callable[[Desk], None],
        reach: Callable[[], None] = lambda: None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """`reach` raises a StoreError when this engine could do nothing though it led.

        `end` is called when it competes no more.
        """
        self._address, self._lead, self._leave = address, lead, leave
        self._reach, self._end = reach, end
        self._stop = threading.Event()
        self._told = False  # that this engine cannot lead
        self._thread = threading.Thread(target=self._main, name="leadership", daemon=True)

    def start(self) -> None:
        """Begin to compete."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and let go of the lease; waits for jobs that are handed back."""
        self._stop.set()
        self._thread.join()
        self._end()

    def _main(self) -> None:
        self._prepare()
        while not self._stop.is_set():
            if not self._can_lead():
                self._stop.wait(PAUSE_SECONDS)
                continue
            lease = Lease.contend(self._address, self._stop)
            if lease is None:
                return
            desk = self._opened(lease)
            if desk is None:
                self._stop.wait(PAUSE_SECONDS)
                continue
            log.info("leads", epoch=lease.epoch)
            try:
                self._hold(desk)
                if not self._stop.is_set():
                    lease.give_up()  # closing the desk may take long: others need not wait for it
            finally:
                self._left(desk)

    def _can_lead(self) -> bool:
        """Whether there would be any use in leading; why not is told once."""
        try:
            self._reach()
        except StoreError as error:
            if not self._told:
                log.warning("does not try to lead", error=str(error))
            self._told = True
            return False
        self._told = False
        return True

    def _prepare(self) -> None:
        """Load what is slow to load while another leads: readers wait for whoever takes over."""
        import core.jobs.queue.redis
        import core.service.kernel.asking  # noqa: F401 - a second of imports

        try:
            lake.load_extensions(self._address)
        except OpenbellError as error:
            log.error("this engine will not be able to lead", error=str(error))

    def _opened(self, lease: Lease) -> Desk | None:
        """The desk, open to lead; None when it cannot be opened, and another engine may try."""
        try:
            return self._lead(lease)
        except OpenbellError as error:
            log.error("the desk cannot be opened to lead", error=str(error))
        except Exception:  # a lease that is held by nobody would keep all engines out
            log.exception("the desk cannot be opened to lead")
        lease.close()
        return None

    def _left(self, desk: Desk) -> None:
        try:
            self._leave(desk)
        except Exception:  # the thread must go on to stand by
            log.exception("the desk was not closed as it should be")

    def _hold(self, desk: Desk) -> None:
        """Lead until told to stop, until another has the lease, or until that cannot be known.

        Whoever cannot reach PostgreSQL for SILENCE_SECONDS has lost the lease there; who reaches it
        and not Redis or S3 can do nothing with it. Another engine may reach them. Looking waits for
        no transaction, for one may hang in the same outage.
        """
        known = time.monotonic()
        while not self._stop.wait(LOOK_SECONDS):
            try:
                if desk.warehouse.has_lost():
                    desk.warehouse.keep_owning(SILENCE_SECONDS)
                self._reach()
                known = time.monotonic()
            except LostLeaseError as error:
                log.warning("leads no more", error=str(error))
                return
            except StoreError as error:
                log.warning("what leading needs is out of reach", error=str(error))
                if time.monotonic() - known > SILENCE_SECONDS:
                    log.warning("leads no more: another may reach it")
                    return
