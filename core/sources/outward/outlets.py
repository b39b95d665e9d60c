"""The places outside that a desk has: of its settings, and of plugins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from core import plugins
from core.alert_settings import NotifyAddress, addresses, endpoints
from core.domain.alerts.rules import NOTIFY, SINK, WEBHOOK
from core.errors import OpenbellError, TransportError
from core.settings import Settings
from core.sources.outward import notifier, webhooks
from core.sources.outward.letter import Letter, Outlet


def outlets(settings: Settings, now: Callable[[], datetime]) -> dict[str, Outlet]:
    """Every place by its name: its own, else its kind and a digest that says nothing of it."""
    made = [_notifier(address) for address in addresses(settings.notify)]
    made += [_webhook(address, now) for address in endpoints(settings.notify_webhooks)]
    made += _plugged(settings) if settings.plugins else []
    return {outlet.name: outlet for outlet in made}


def _plugged(settings: Settings) -> list[Outlet]:
    """The places of plugins; one whose name no rule could name is refused."""
    made = []
    for plugin, given in plugins.found().called("openbell_sinks", settings=settings):
        for outlet in given:
            named = isinstance(outlet, Outlet) and SINK.fullmatch(outlet.name)
            if named and outlet.name.startswith(f"{NOTIFY}:"):
                made.append(Outlet(outlet.name, outlet.label, partial(_guarded, plugin, outlet)))
            else:
                plugins.found().refuse(plugin, "its places must be Outlets named notify:NAME")
    return made


def _guarded(plugin: str, outlet: Outlet, letter: Letter) -> None:
    """Bring a letter; what code of others raises is a letter that was not taken."""
    try:
        outlet.send(letter)
    except OpenbellError:
        raise
    except Exception as error:
        raise TransportError(f"the plugin {plugin} failed: {type(error).__name__}") from error


def _notifier(address: NotifyAddress) -> Outlet:
    scheme = urlsplit(address.url).scheme
    name = f"{NOTIFY}:{address.name or _named(scheme, address.url)}"
    return Outlet(name, address.name or scheme, partial(notifier.send, address))


def _webhook(address: NotifyAddress, now: Callable[[], datetime]) -> Outlet:
    host = urlsplit(address.url).hostname or "webhook"
    name = f"{WEBHOOK}:{address.name or _named('to', address.url)}"
    return Outlet(name, address.name or host, lambda letter: webhooks.post(address, letter, now))


def _named(kind: str, url: str) -> str:
    return f"{kind}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def chosen(sinks: Iterable[str], known: Iterable[str]) -> list[str]:
    """The places that a rule's sinks stand for: `notify` is all of its kind."""
    wanted = set(sinks)
    return [name for name in known if name in wanted or name.partition(":")[0] in wanted]


def judged(settings: Settings) -> None:
    """SettingsError for an address of OPENBELL_NOTIFY that no letter could go to.

    Only the library knows its kinds of addresses: it is loaded here when there is one.
    """
    for address in addresses(settings.notify):
        notifier.service(address)
