"""An engine among several: it stands by until the lease is free, leads, and stands by again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.addresses import LakeAddress
from core.errors import LostLeaseError, OpenbellError, StoreError
from core.observe import logs
from core.store.lease import Lease

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
    ) -> None:
        self._address, self._lead, self._leave = address, lead, leave
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._main, name="leadership", daemon=True)

    def start(self) -> None:
        """Begin to compete."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and let go of the lease; waits for jobs that are handed back."""
        self._stop.set()
        self._thread.join()

    def _main(self) -> None:
        while not self._stop.is_set():
            lease = Lease.contend(self._address, self._stop)
            if lease is None:
                return
            try:
                desk = self._lead(lease)
            except OpenbellError as error:
                log.error("the desk cannot be opened to lead", error=str(error))
                lease.close()
                self._stop.wait(PAUSE_SECONDS)
                continue
            log.info("leads", epoch=lease.epoch)
            try:
                self._hold(desk)
            finally:
                self._leave(desk)

    def _hold(self, desk: Desk) -> None:
        """Lead until told to stop, or until another has the lease."""
        while not self._stop.wait(LOOK_SECONDS):
            try:
                desk.warehouse.keep_owning()
            except LostLeaseError as error:
                log.warning("leads no more", error=str(error))
                return
            except StoreError as error:  # PostgreSQL is away: then nobody else leads either
                log.warning("the lease cannot be looked at", error=str(error))
