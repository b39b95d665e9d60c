"""What pages let press over the raw WebSocket: a button that is disabled, or of others' pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from core import settings
from core.domain.access.principals import LOCAL, ORDER, Role
from core.service.desk import Desk
from tests import begun
from tests.cluster_rig import Member
from tests.raw_pages import RawPages
from tests.redis_server import free_port

# a button, where an admin finds it, the act that it does, and the role that this needs: by hand
BUTTONS = (
    ("Save", "preferences", "", "preferences.save", Role.VIEWER),
    ("Run the checks now", "reconciliation", "", "reconcile.run", Role.ANALYST),
    ("Propose", "plans", "symbol=BBB", "proposals.propose", Role.ANALYST),
    ("Approve it", "plans", "view=Waiting", "proposals.approve", Role.TRADER),
    ("Revoke it", "access", "", "token revoke", Role.ADMIN),
)
QUIET = {"OPENBELL_ACCESS": "token", "OPENBELL_SCHEDULER": "false"}


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    """A token of each role, once the desk's folder is made."""
    return {}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]) -> Iterator[str]:
    """The address of a graded desk that several share."""
    folder = tmp_path_factory.mktemp("raw") / "desk"
    begun.put_graded(folder)
    with Desk.open(settings.load(data_dir=folder, access="token")) as desk:
        for name in ORDER:
            tokens[name] = desk.roster.add_token(f"a {name}", Role(name), None, LOCAL)[1]
        desk.roster.add_token("spare", Role.VIEWER, None, LOCAL)  # the newest: what is revoked
    served = Member("raw", folder, free_port(), {**QUIET, "OPENBELL_DATA_DIR": str(folder)})
    served.start()
    served.await_up("/api/health/ready")
    yield f"http://127.0.0.1:{served.port}"
    served.kill()


def signed_in(base: str, token: str) -> str:
    """The cookie of a session."""
    answer = httpx.post(f"{base}/sign-in", data={"token": token, "next": "/"})
    assert answer.status_code == 303, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


def asked(base: str, token: str, method: str, path: str, **given: Any) -> Any:
    """What the API answers."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.request(method, f"{base}/api/v1{path}", headers=headers, timeout=60, **given)
    assert answer.status_code < 300, answer.text
    return answer.json()


def done(base: str, token: str) -> set[tuple[str, str]]:
    """Who did what, of all that the chain of the desk holds."""
    rows = asked(base, token, "GET", "/exports/audit?format=json")
    return {(row["name"], row["act"]) for row in rows if row["outcome"] == "done"}


async def test_a_raw_socket_does_what_the_role_may_and_no_more(
    base: str, tokens: dict[str, str]
) -> None:
    """Buttons that an admin's pages draw, pressed by their ids in every role in turn."""
    admin = tokens["admin"]
    asked(base, admin, "POST", "/plans", json={"symbol": "AAA", "direction": "long"})
    cookies = {role: signed_in(base, tokens[role]) for role in ORDER}
    for label, page, query, act, least in BUTTONS:
        async with RawPages(base, cookies[Role.ADMIN]) as pages:
            press = (await pages.run(page, query))[label]
        for role in ORDER[: ORDER.index(least) + 1]:
            async with RawPages(base, cookies[role]) as pages:
                await pages.run(page, query)
                await pages.run(page, query, press)
            let_in = (f"a {role}", act) in done(base, admin)
            assert let_in is (role == least), (label, role)


async def test_nobody_and_who_was_revoked_get_no_socket(base: str, tokens: dict[str, str]) -> None:
    """Not even an empty page; one that is open ends when its token is revoked."""
    with pytest.raises(InvalidStatus):
        async with RawPages(base, ""):
            raise AssertionError
    made = {"name": "a leaver", "role": "admin"}
    leaver = asked(base, tokens["admin"], "POST", "/commands/token_add", json=made)["document"]
    cookie = signed_in(base, leaver["token"])
    async with RawPages(base, cookie) as pages:
        await pages.run("rules")
        revoke = {"name": "a leaver"}
        asked(base, tokens["admin"], "POST", "/commands/token_revoke", json=revoke)
        with pytest.raises(ConnectionClosed):
            await pages.run("rules")
    with pytest.raises(InvalidStatus):
        async with RawPages(base, cookie):
            raise AssertionError


async def test_a_session_of_pages_goes_on_with_its_reader_alone(
    base: str, tokens: dict[str, str]
) -> None:
    """What an admin typed and saw is theirs, whoever knows its id; they go on after a break."""
    admin, other = signed_in(base, tokens[Role.ADMIN]), signed_in(base, tokens[Role.VIEWER])
    async with RawPages(base, admin) as first:
        await first.run("access")
        async with RawPages(base, other, first.session) as thief:
            await thief.run("rules")
        await first.run("access")  # it was not ended either
    async with RawPages(base, other, first.session) as thief:
        await thief.run("rules")
    async with RawPages(base, admin, first.session) as again:
        await again.run("access")
    assert thief.session != first.session == again.session


async def test_a_download_is_made_for_its_own_reader_alone(
    base: str, tokens: dict[str, str]
) -> None:
    """What an admin's page offers is not made for a viewer who knows what it goes by."""
    admin, other = signed_in(base, tokens[Role.ADMIN]), signed_in(base, tokens[Role.VIEWER])
    async with RawPages(base, admin) as own:
        await own.run("access", "view=Who+did+what")
        offered = own.downloads["CSV"]
        async with RawPages(base, other) as thief:
            await thief.run("rules")
            assert await thief.made(offered) == ""
        where = await own.made(offered)
        assert where.startswith("/media/")
        assert httpx.get(f"{base}{where}", headers={"Cookie": admin}).status_code == 200


@pytest.mark.thorough
def test_nothing_is_put_into_a_session_of_pages(base: str, tokens: dict[str, str]) -> None:
    """Whoever's it is: no page takes a file; what agents could drive is closed, too."""
    admin = {"Cookie": signed_in(base, tokens[Role.ADMIN]), "Origin": base}
    for path in ("/_stcore/upload_file/a/b", "/_stcore/agent/interact", "/_stcore/agent/mcp"):
        for method in ("GET", "PUT", "POST", "DELETE"):
            answer = httpx.request(method, f"{base}{path}", headers=admin, content=b"x")
            assert answer.status_code in (403, 405), (method, path, answer.text)
