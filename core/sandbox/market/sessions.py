"""Exchange sessions of the simulated market, from the epoch to the coming session."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

EPOCH = date(2020, 1, 2)  # the first simulated session, whatever `as_of` is

Days = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Sessions (datetime64[D]) with the coming one last, and which of them close at 13:00 ET."""

    sessions: Days
    early_close: NDArray[np.bool_]

    @property
    def coming(self) -> int:
        """Row of the coming session: the first one on or after `as_of`."""
        return len(self.sessions) - 1

    def row(self, days: Days) -> NDArray[np.int64]:
        """Row of the first session on or after each day."""
        return np.searchsorted(self.sessions, days).astype(np.int64)


@lru_cache(maxsize=8)
def calendar(as_of: date) -> Calendar:
    """The XNYS sessions from the epoch to the first one on or after `as_of`."""
    sessions, closes = _xnys(as_of + timedelta(days=14))
    early = np.isin(sessions, closes)
    end = int(np.searchsorted(sessions, np.datetime64(as_of))) + 1
    return Calendar(sessions[:end], early[:end])


def _xnys(end: date) -> tuple[Days, Days]:
    """Sessions and early closes of the New York Stock Exchange from the epoch to a day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's own, about pandas
        warnings.simplefilter("ignore", FutureWarning)
        import exchange_calendars  # slow to import

        xnys = exchange_calendars.get_calendar("XNYS", start=EPOCH.isoformat(), end=end.isoformat())
        sessions = xnys.sessions.to_numpy().astype("datetime64[D]")
        return sessions, xnys.early_closes.to_numpy().astype("datetime64[D]")
