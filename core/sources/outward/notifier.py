"""E-mail, Slack, Teams, PagerDuty and a hundred more, through `apprise`.

It is imported with the first letter: a desk that tells nobody outside does not pay for it.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from core.alert_settings import NotifyAddress
from core.errors import SettingsError, TransportError
from core.observe import logs
from core.sources.outward.letter import Letter

ID_HEADER = "X-Openbell-Id"
_LEVELS = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}


def send(address: NotifyAddress, letter: Letter) -> None:
    """Bring a letter to an address. TransportError: it was not taken, asking again may help;
    SettingsError: nothing knows such an address.
    """
    apprise = _library()
    made = service(address)
    if isinstance(getattr(made, "headers", None), dict):  # e-mail and what is like a webhook
        made.headers[ID_HEADER] = letter.letter_id
    shows_html = made.notify_format == apprise.NotifyFormat.HTML
    with apprise.LogCapture(level=30, fmt="%(message)s") as said:
        taken = made.notify(
            title=letter.title,
            body=letter.html if letter.html and shows_html else letter.text,
            body_format=apprise.NotifyFormat.HTML
            if letter.html and shows_html
            else apprise.NotifyFormat.TEXT,
            notify_type=_LEVELS.get(letter.severity, "info"),
        )
        words = logs.redact(" ".join(said.getvalue().split()))[:300]
    if not taken:
        raise TransportError(f"the letter was not taken: {words or 'no reason given'}")


@cache
def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about modules of Python that will go
        import apprise
        import apprise.plugins.email
    return apprise


def service(address: NotifyAddress) -> Any:
    """What sends to an address; SettingsError when the library knows none such."""
    apprise = _library()
    memory = apprise.AppriseAsset(
        storage_mode=apprise.PersistentStoreMode.MEMORY, app_id="Openbell"
    )
    with apprise.LogCapture(level=30, fmt="%(message)s"):  # its own words may hold the address
        made = apprise.Apprise.instantiate(address.url, asset=memory, suppress_exceptions=True)
    if made is None:
        scheme = address.url.partition("://")[0]
        named = f"{address.name}, " if address.name else ""
        raise SettingsError(
            f"an address of OPENBELL_NOTIFY ({named}{scheme}://…) is none that apprise knows",
            hint="see https://github.com/caronc/apprise/wiki, and: python -m app notify test",
        )
    return made
