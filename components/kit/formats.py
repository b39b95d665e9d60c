"""How numbers, instants and ages are written on every page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

MARKET_ZONE = "America/New_York"
NOTHING = "–"
KEPT = 1024  # of the words that pages say again at each run
LIMITS = {  # of risk, as they are called
    "daily_loss": "Daily loss",
    "risk_per_trade": "Risk per trade",
    "position": "Position",
    "gross_exposure": "Gross exposure",
    "net_exposure": "Net exposure",
    "positions": "Number of positions",
    "sector": "Sector",
    "correlation": "Correlated names",
    "drawdown": "Drawdown",
    "exclusions": "Exclusions",
    "liquidity": "Liquidity",
    "filing_grade": "Filing grade",
}
_INSTANT = re.compile(r"((?:\b\d{4}-\d\d-\d\d )?\b(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?Z)")
_NAME = re.compile(r"\w{2,}[._]\w{2,}")  # `prices.daily`, `x.csv`: written as they are


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone_label(zone: str = MARKET_ZONE) -> str:
    """What stands behind a time: ET for the market's zone, UTC, else the city."""
    if zone == MARKET_ZONE:
        return "ET"
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def when(instant: datetime | None, zone: str = MARKET_ZONE, *, seconds: bool = False) -> str:
    """An instant in the reader's zone, as `Fri 20 Nov 16:05 ET`."""
    return NOTHING if instant is None else _when(instant, zone, seconds=seconds)


@lru_cache(KEPT)
def _when(instant: datetime, zone: str, *, seconds: bool) -> str:
    local = instant.astimezone(_zone(zone))
    clock = "%H:%M:%S" if seconds else "%H:%M"
    return f"{local:%a} {local.day} {local:%b} {local:{clock}} {zone_label(zone)}"


def clock(instant: datetime | None, zone: str = MARKET_ZONE) -> str:
    """The time of day of an instant in the reader's zone, as `16:05`."""
    return NOTHING if instant is None else f"{instant.astimezone(_zone(zone)):%H:%M}"


def localised(text: str, zone: str = MARKET_ZONE) -> str:
    """A message with its instants in the reader's zone: `since 2026-11-30 14:08Z, asked 14:09Z`.

    A time of day alone is one of the date before it; without a date it stays as it is.
    """
    parts, dated = [], ""
    for part in _INSTANT.split(text):
        if not _INSTANT.fullmatch(part):
            parts.append(part)
            continue
        day, _, time = part[:-1].rpartition(" ")
        dated = day or dated
        said = _localised(dated, time, zone) or part
        parts.append(said if day or said == part else said.split(" ", 3)[3])
    return "".join(parts)


def _localised(day: str, time: str, zone: str) -> str | None:
    """An instant of UTC told in a zone; None for what is none, as `2026-02-31`."""
    try:
        at = datetime.fromisoformat(f"{day} {time}+00:00")
        return when(at, zone, seconds=time.count(":") == 2)
    except (ValueError, OverflowError):
        return None


def utc(instant: datetime | None) -> str:
    """An instant in UTC, as `2026-11-20 21:05:00 UTC`: what a tooltip says."""
    return NOTHING if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def day(value: date | None) -> str:
    """A date with its weekday, as `Fri 20 Nov 2026`."""
    return NOTHING if value is None else f"{value:%a} {value.day} {value:%b %Y}"


def reach(until: datetime | None, behind: int | None, zone: str = MARKET_ZONE) -> str:
    """How far data reach, as `Fri 20 Nov`, `Mon 23 Nov 09:05 ET` or `Wed 25 Nov, 1 session behind`.

    A day comes as its midnight in UTC.
    """
    if until is None:
        return NOTHING
    utc = until.astimezone(UTC)
    whole_day = utc.time() == datetime.min.time()
    said = f"{utc:%a} {utc.day} {utc:%b}" if whole_day else when(until, zone)
    sessions = "session" if behind == 1 else "sessions"
    return f"{said}, {number(behind)} {sessions} behind" if behind else said


def duration(seconds: float | None) -> str:
    """A span in its two largest units, as `3 d 4 h` or `12 s`."""
    if seconds is None:
        return NOTHING
    whole = round(abs(seconds))
    if whole < 60:
        return f"{abs(seconds):.1f} s" if abs(seconds) < 10 else f"{whole} s"
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {small}" if rest else f"{whole // size} {unit}"
    return f"{whole // 60} min"


def age(instant: datetime | None, now: datetime) -> str:
    """How long ago an instant was, or in how long it will be."""
    if instant is None:
        return "never"
    seconds = (now - instant).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{duration(seconds)} ago" if seconds >= 0 else f"in {duration(seconds)}"


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands apart: `1,234,567`."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def compact(value: float | None) -> str:
    """A large number in three figures: `1.23 M`."""
    if value is None:
        return NOTHING
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def sentence(text: str) -> str:
    """A message as a sentence: a capital first, unless it opens with a name; a full stop last."""
    text = text.strip()
    if not text:
        return text
    first = text[0] if _NAME.match(text) else text[0].upper()
    return f"{first}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"


def price(value: float | Decimal) -> str:
    """A price to the cent, below one to a hundredth of a cent: `1,234.50`, `0.0731`."""
    return _price(str(value))  # by its digits: 0.0 and -0.0 are equal, and differ


@lru_cache(KEPT)
def _price(digits: str) -> str:
    exact = Decimal(digits)
    step = Decimal("0.01") if abs(exact) >= 1 else Decimal("0.0001")
    return f"{exact.quantize(step, ROUND_HALF_UP):,}"


def money(value: float | None, currency: str = "USD", digits: int = 2) -> str:
    """An amount with its sign before the symbol: `−$1,234.50`, `1,234.50 EUR`."""
    if value is None:
        return NOTHING
    sign = "−" if value < 0 else ""
    figure = f"{abs(value):,.{digits}f}"
    return f"{sign}${figure}" if currency == "USD" else f"{sign}{figure} {currency}"


def pct(value: float | None, digits: int = 1, *, signed: bool = True) -> str:
    """Percent points as percent: 5.0 -> `+5.0 %`."""
    if value is None:
        return NOTHING
    return signed_number(value, digits) + " %" if signed else minus(f"{value:.{digits}f} %")


def signed_number(value: float | Decimal, digits: int = 2) -> str:
    """A number with thousands apart and its sign: `+1,234.50`, `−0.03`."""
    return minus(f"{value:+,.{digits}f}")


def minus(text: str) -> str:
    """A written number with a real minus sign for its hyphen."""
    return text.replace("-", "−")


def size(count: float | None) -> str:
    """A count of bytes: `57.6 MB`."""
    if count is None:
        return NOTHING
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count:.0f} B"


ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th … 11th … 21st."""
    teens = place % 100 in (11, 12, 13)
    return f"{place}{'th' if teens else ENDINGS.get(place % 10, 'th')}"
