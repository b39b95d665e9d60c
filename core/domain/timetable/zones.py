"""Zones as users bring them: IANA names, `zoneinfo` and `pytz`. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytz
from pytz.tzinfo import DstTzInfo


def name_of(zone: object) -> object:
    """The IANA name of a zone of `zoneinfo` or `pytz`; anything else as it came."""
    if not isinstance(zone, tzinfo):
        return zone
    return getattr(zone, "key", None) or getattr(zone, "zone", None) or zone


def settled(at: datetime) -> datetime:
    """The instant that was meant by an aware datetime.

    `datetime(…, tzinfo=pytz.timezone("America/New_York"))` means a wall time, but counts with the
    zone's mean solar time of 1883, four minutes off, where `localize` was forgotten.
    """
    zone = at.tzinfo
    if isinstance(zone, DstTzInfo) and zone is pytz.timezone(str(zone.zone)):
        return at.replace(tzinfo=ZoneInfo(str(zone.zone))).astimezone(UTC)
    return at
