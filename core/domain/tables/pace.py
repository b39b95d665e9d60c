"""How fast long work goes and when it will be done, from what it counted and how long it took."""

from __future__ import annotations

from dataclasses import dataclass

MOST_PERCENT = 99.0  # of what is not over
LEAST_PERCENT = 1.0  # below it a guess of the rest says nothing


@dataclass(frozen=True, slots=True)
class Usual:
    """What earlier work of the kind took: the median seconds; None without any."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Rows a second on average, percent done (0-99), seconds left; None where it is not known."""

    rows_per_second: float | None = None
    percent: float | None = None
    seconds_left: float | None = None


NO_PACE = Pace()


@dataclass(frozen=True, slots=True)
class Counted:
    """When counting began: the first percent told, and the seconds since then."""

    percent: float
    seconds: float


def pace(
    rows: int | None,
    percent: float | None,
    elapsed_seconds: float | None,
    usual: Usual,
    counted: Counted | None = None,
) -> Pace:
    """The pace of work that runs: by its own count of percent where it has one, from where it was
    `counted` first, else by what earlier work took. Work that takes longer than that tells no rest.
    """
    if not elapsed_seconds or elapsed_seconds < 0:
        return Pace(percent=_capped(percent))
    rate = rows / elapsed_seconds if rows else None
    if percent is None and usual.seconds:
        late = elapsed_seconds >= usual.seconds
        left = None if late else usual.seconds - elapsed_seconds
        return Pace(rate, _capped(100.0 * elapsed_seconds / usual.seconds), left)
    return Pace(rate, _capped(percent), _left(percent, counted or Counted(0.0, elapsed_seconds)))


def _left(percent: float | None, counted: Counted) -> float | None:
    """By how far it came since it is counted: what went before has another pace."""
    if percent is None or percent >= MOST_PERCENT:
        return None
    done = percent - counted.percent
    return counted.seconds * (100.0 - percent) / done if done >= LEAST_PERCENT else None


def _capped(percent: float | None) -> float | None:
    return None if percent is None else min(max(percent, 0.0), MOST_PERCENT)
