"""Places outside that no letter could go to: told before one has to."""

from __future__ import annotations

from core.alert_settings import addresses, endpoints
from core.settings import Settings
from core.sources.outward import outlets


def must_be_known(settings: Settings) -> None:
    """SettingsError for an address of OPENBELL_NOTIFY that nothing can send to."""
    outlets.judged(settings)


def told(settings: Settings) -> str:
    """How many places are told of alerts; SettingsError as above."""
    must_be_known(settings)
    count = len(addresses(settings.notify)) + len(endpoints(settings.notify_webhooks))
    return f"{count} outside" if count else "none outside: alerts stay in the page"
