"""Pages of listed sites read what a workspace shows, with a token; all else is closed to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app import asgi, gate
from app.doors import limits
from core import settings
from core.domain.access.principals import Role
from core.errors import SettingsError
from core.service.desk import Desk
from tests import api_desk
from tests.unit.app.test_gate import HEADERS, ask

SITE, OTHER = "https://pro.openbb.co", "https://evil.example"
WIDGETS = "/api/openbb/widgets.json"
HOST = ("host", "localhost:8501")
ASKS = (("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization, x-own"))  # fmt: skip


async def _inside(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept")]})
    await send({"type": "http.response.body", "body": b"inside"})


def opened(*sites: str) -> gate.Gate:
    """A gate that lets pages of these sites read."""
    made = gate.Gate(_inside)
    made.allow((), sites=sites)
    return made


def started(*headers: tuple[str, str], sites: tuple[str, ...] = (SITE,), **scope: Any) -> Any:
    """How the answer starts: its status and headers."""
    given = {"method": "GET", "path": WIDGETS} | scope
    start = ask(opened(*sites), HOST, *headers, **given)[0]
    pairs = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
    return start["status"], dict(pairs), pairs


def test_a_listed_site_is_answered_and_its_browser_told_so() -> None:
    """The answer names that origin and no other, and bears the headers of safety."""
    status, headers, pairs = started(("origin", SITE))
    assert (status, headers["access-control-allow-origin"]) == (200, SITE)
    assert ("vary", "Origin, Access-Control-Request-Headers") in pairs and (
        "vary",
        "Accept",
    ) in pairs
    assert set(headers) >= HEADERS


def test_a_preflight_is_answered_at_the_gate() -> None:
    """It comes without a token, and says nothing but what may be asked."""
    status, headers, _ = started(("origin", SITE), *ASKS, method="OPTIONS")
    assert (status, headers["access-control-allow-origin"]) == (204, SITE)
    assert headers["access-control-allow-headers"] == "authorization, x-own"
    assert headers["access-control-allow-methods"] == "GET, HEAD"
    assert "access-control-allow-private-network" not in headers
    private = ("access-control-request-private-network", "true")
    _, headers, _ = started(("origin", SITE), *ASKS, private, method="OPTIONS")
    assert headers["access-control-allow-private-network"] == "true"
    wrong = ("access-control-request-headers", "a\tb, c;d")
    _, headers, _ = started(("origin", SITE), ASKS[0], wrong, method="OPTIONS")
    assert "access-control-allow-headers" not in headers


@pytest.mark.parametrize(
    ("origin", "scope"),
    [
        (OTHER, {}), ("null", {}), (f"{SITE}.evil.example", {}), (f"{SITE}:8443", {}),
        ("http://pro.openbb.co", {}), (SITE.upper(), {}),
        (SITE, {"method": "POST"}), (SITE, {"method": "DELETE"}), (SITE, {"method": "PUT"}),
        (SITE, {"path": "/api/v1/plans"}), (SITE, {"path": "/"}), (SITE, {"path": "/api/openbb"}),
        (SITE, {"path": "/api/openbb-else/x"}), (SITE, {"path": "/API/openbb/x"}),
        (SITE, {"path": "/api/v1/plans", "method": "OPTIONS"}),
        (SITE, {"path": "/_stcore/stream", "type": "websocket"}),
        (SITE, {"path": WIDGETS, "type": "websocket"}),
        (OTHER, {"method": "OPTIONS"}),
    ],
)  # fmt: skip
def test_all_else_is_refused_as_before(origin: str, scope: dict[str, Any]) -> None:
    """Other sites, other paths, what acts, and sockets; no browser is told to hand it on."""
    given = {"extensions": {"websocket.http.response": {}}} | scope
    status, headers, _ = started(("origin", origin), *ASKS, **given)
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_two_origins_and_a_foreign_host_are_refused() -> None:
    """A listed origin beside another is none; and the host is looked at first."""
    assert started(("origin", SITE), ("origin", OTHER))[0] == 403
    start = ask(opened(SITE), ("host", "evil.example"), ("origin", SITE), method="GET",
                path=WIDGETS)[0]  # fmt: skip
    assert start["status"] == 400


def test_without_the_setting_no_site_may() -> None:
    """As a desk is unless its operator says otherwise."""
    assert started(("origin", SITE), sites=())[0] == 403
    assert settings.load().workspace_origins == ()


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "pro.openbb.co", "https://pro.openbb.co/", "https://a.example:443", "file://x",
     "http://a.example:80", "https://*.openbb.co", "https://u@a.example", "HTTPS://A.example"],
)  # fmt: skip
def test_only_origins_are_taken_by_the_setting(origin: str) -> None:
    """What no browser sends would never match, and a star would open it to all."""
    with pytest.raises(SettingsError, match="WORKSPACE_ORIGINS"):
        settings.load(workspace_origins=origin)


def test_several_are_given_with_commas() -> None:
    """As the other lists of the settings."""
    given = settings.load(workspace_origins=f"{SITE}, http://localhost:1420,http://[::1]:8080")
    assert given.workspace_origins == (SITE, "http://localhost:1420", "http://[::1]:8080")


async def test_a_desk_tells_a_listed_page_what_it_tells_a_script(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through every layer: answers and refusals alike can be read by the page that asked."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.0)
    desk = make_desk(scheduler=False, access="token", workspace_origins=SITE)
    token, app = api_desk.token(desk, Role.VIEWER), asgi.create(desk.settings, desk=desk)
    async with (
        app.lifespan(None),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1"
        ) as client,
    ):
        told, here = {"Authorization": f"Bearer {token}"}, {"Origin": SITE}
        answer = await client.get(WIDGETS, headers=told | here)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, SITE)
        for headers in (here, here | {"Authorization": "Bearer obt_wrong"}):
            refused = await client.get(WIDGETS, headers=headers)
            assert refused.status_code == 401
            assert refused.headers["access-control-allow-origin"] == SITE
        missing = await client.get("/api/openbb/symbol_gaps", headers=told | here)
        assert missing.headers["access-control-allow-origin"] == SITE
        before = await client.options(WIDGETS, headers=here | dict(ASKS))
        assert before.status_code == 204 and not before.content
        assert (await client.get("/api/v1/plans", headers=told | here)).status_code == 403
        alone = await client.get(WIDGETS, headers=told)
        assert "access-control-allow-origin" not in alone.headers
