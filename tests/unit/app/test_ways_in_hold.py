"""What the ways in rest on: no account of the desk's own, secrets of 256 bits, few claims asked."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.doors.provider import Provider
from app.run import Local
from core.domain.access.principals import LOCAL, Principal, Role
from core.domain.access.tokens import PREFIX, digest
from core.errors import UsageError
from core.service.desk import Desk
from core.service.kernel import access, commands, registry
from tests import api_desk

ISSUER = "https://id.example"


def test_no_account_comes_with_a_desk(make_desk: Callable[..., Desk]) -> None:
    """Nobody is known to a new one; the first token is made by who has its data folder."""
    roster = make_desk(access="token").roster
    assert (roster.people(), roster.tokens(), roster.sessions()) == ([], [], [])
    for guess in ("", "admin", "obt_", "obt_admin", "password"):
        assert roster.of_token(guess) is None
        assert roster.of_session(guess) is None


def test_secrets_have_256_bits_and_are_kept_as_digests(make_desk: Callable[..., Desk]) -> None:
    """Of tokens, of changed ones and of sessions; no two are the same."""
    roster = make_desk(access="token").roster
    token, first = roster.add_token("t", Role.VIEWER, None, LOCAL)
    changed = roster.rotate_token("t", timedelta(hours=1), LOCAL)[1]
    begun = [roster.begin(token.principal) for _ in range(20)]
    secrets = [first.removeprefix(PREFIX), changed.removeprefix(PREFIX), *begun]
    assert {len(base64.urlsafe_b64decode(secret + "=")) for secret in secrets} == {32}
    assert len(set(secrets)) == len(secrets)
    assert {s.sha256 for s in roster.sessions()} == {digest(secret) for secret in begun}
    assert roster.tokens()[0].digests == (digest(changed), digest(first))


def test_the_same_subject_of_two_issuers_is_two_people(make_desk: Callable[..., Desk]) -> None:
    """A role that one of them vouched for is nothing for the other."""
    roster = make_desk(access="token").roster
    ours = roster.signed_in(ISSUER, "ada", "Ada", Role.TRADER)
    theirs = roster.signed_in("https://other.example", "ada", "Ada", None)
    assert (ours.role, theirs.role) == (Role.TRADER, None)
    assert roster.current(Principal("https://third.example", "ada", "Ada", Role.ADMIN)).role is None
    assert len(roster.people()) == 2


async def test_a_provider_is_asked_for_few_claims_with_a_proof(
    make_desk: Callable[..., Desk],
) -> None:
    """Openid, profile and e-mail; a code with PKCE by SHA-256, a state and a nonce of its own."""
    given = {"oidc_client_id": "desk", "oidc_client_secret": "s", "oidc_roles": "a=viewer"}
    desk = make_desk(access="oidc", oidc_issuer=ISSUER, **given)
    named = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    told = {"issuer": ISSUER, **{name: f"{ISSUER}/{name}" for name in named}}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=told))
    provider = Provider(desk.settings, transport)
    asked: list[dict[str, list[str]]] = []
    for _ in range(2):
        url, state = await provider.begin("/plans", "https://desk/sign-in/back")
        asked.append(parse_qs(urlsplit(url).query))
        assert asked[-1]["state"] == [state]
    first, second = asked
    assert set(first["scope"][0].split()) == {"openid", "profile", "email"}
    assert (first["response_type"], first["code_challenge_method"]) == (["code"], ["S256"])
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name][0]) >= 32


@pytest.mark.parametrize("given", [{"symbol": 5}, {"symbol": "AAA", "no such": 1}, {}])
async def test_arguments_are_judged_in_the_service_whoever_asks(
    make_desk: Callable[..., Desk], given: dict[str, Any]
) -> None:
    """Called by itself, by the API and by the command line: the same refusal."""
    desk = api_desk.open_desk(make_desk)
    with access.acting(LOCAL):
        with pytest.raises(UsageError) as by_itself:
            commands.run(desk, "plan", given)
        with pytest.raises(UsageError) as by_line:
            Local(desk).call("plan", **given)
    async with api_desk.connected(api_desk.token(desk, Role.VIEWER)) as client:
        answer = await client.post("/v1/commands/plan", json=given)
    assert answer.status_code == 422
    assert answer.json()["detail"] == by_itself.value.message == by_line.value.message
    assert isinstance(commands.command, registry.Registry)
