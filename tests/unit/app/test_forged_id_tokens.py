"""ID tokens that somebody forged, stole from another client, or kept for too long."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from app.doors.provider import Provider
from core import settings
from core.domain.access.principals import Role
from core.errors import SignInError

ISSUER = "https://login.example"
KEY, OTHER = RSAKey.generate_key(2048, {"kid": "a"}), RSAKey.generate_key(2048, {"kid": "a"})
ROLES = "traders=trader, all=viewer"


class StandIn:
    """A provider without a network: it gives out whatever ID token it is told to."""

    def __init__(self, make: Callable[[dict[str, Any]], str], **more: Any) -> None:
        self._make, self._more = make, more
        self._nonce = ""
        chosen = settings.load(
            access="oidc", oidc_issuer=ISSUER, oidc_client_id="desk", oidc_roles=ROLES
        )
        self.provider = Provider(chosen, httpx.MockTransport(self._answer))

    async def sign_in(self) -> Any:
        """Whom it vouches for, by the whole way."""
        url, state = await self.provider.begin("/plans", "https://desk/sign-in/back")
        self._nonce = parse_qs(urlsplit(url).query)["nonce"][0]
        return (await self.provider.finish({"state": state, "code": "c"}, state))[0]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        paths: Mapping[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": lambda: {"keys": [KEY.as_dict(private=False)]},
            "/token": self._token,
        }
        return httpx.Response(200, json=paths[request.url.path]())

    def _metadata(self) -> Any:
        told = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }
        return self._more.get("metadata", lambda given: given)(told)

    def _token(self) -> Any:
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": "desk", "sub": "ada", "nonce": self._nonce, "iat": now,
            "exp": now + 600, "groups": ["traders"],
        }  # fmt: skip
        token = {"id_token": self._make(claims), "access_token": "x"}
        return self._more.get("token", lambda given: given)(token)


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256") -> str:
    """An ID token as the provider signs it."""
    return jwt.encode({"alg": algorithm, "kid": "a"}, claims, key, algorithms=[algorithm])


def unsigned(claims: dict[str, Any]) -> str:
    """One that says it needs no signature."""
    parts = [{"alg": "none", "kid": "a"}, claims]
    cut = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return f"{cut[0]}.{cut[1]}."


def by_public_key(claims: dict[str, Any]) -> str:
    """One that is signed with the provider's public key as if that were a shared secret."""
    return signed(claims, OctKey.import_key(KEY.as_pem(private=False)), "HS256")


def changed(claims: dict[str, Any]) -> str:
    """The provider's own, with other claims under its signature."""
    head, _, end = signed(claims).split(".")
    body = json.dumps({**claims, "sub": "eve"}).encode()
    return f"{head}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{end}"


def but(**other: Any) -> Callable[[dict[str, Any]], str]:
    """One with other claims, rightly signed; None leaves one out."""

    def make(claims: dict[str, Any]) -> str:
        found = {**claims, **other}
        return signed({name: value for name, value in found.items() if value is not None})

    return make


FORGED = {
    "no signature": unsigned,
    "signed by another key": lambda claims: signed(claims, OTHER),
    "signed with the public key": by_public_key,
    "changed after it was signed": changed,
    "run out": but(exp=int(time.time()) - 3600),
    "without an end": but(exp=None),
    "not yet": but(nbf=4_000_000_000),
    "of another client": but(aud="elsewhere"),
    "for another of several clients": but(aud=["desk", "elsewhere"], azp="elsewhere"),
    "of another provider": but(iss="https://evil.example"),
    "of another sign-in": but(nonce="of before"),
    "without the nonce": but(nonce=None),
    "of any of several sign-ins": lambda claims: signed(
        {**claims, "nonce": [claims["nonce"], "x"]}
    ),
    "of nobody": but(sub=None),
    "of a blank": but(sub=" "),
    "of somebody with a line break": but(sub="ada\n"),
    "of somebody in steering letters": but(sub="\x1b[2Jada"),
    "of somebody longer than subjects are": but(sub="x" * 256),
    "no token at all": lambda _: "x",
    "empty": lambda _: "",
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_token_vouches_for_nobody(how: str) -> None:
    """Refused as a sign-in, whatever is wrong with it."""
    with pytest.raises(SignInError):
        await StandIn(FORGED[how]).sign_in()


async def test_the_same_without_a_fault_is_believed() -> None:
    """So that what is refused is refused for its fault."""
    found = await StandIn(signed).sign_in()
    assert (found.subject, found.role) == ("ada", Role.TRADER)
    found = await StandIn(but(aud=["desk", "elsewhere"], azp="desk")).sign_in()
    assert found.role is Role.TRADER


@pytest.mark.parametrize("name", [{"a": 1}, ["Eve"], 7, True, "", "  ", None])
async def test_what_is_no_text_is_no_name(name: Any) -> None:
    """The next claim that is one is taken, at last the subject."""
    assert (await StandIn(but(name=name)).sign_in()).name == "ada"
    found = await StandIn(but(name=name, preferred_username="Ada L.")).sign_in()
    assert found.name == "Ada L."


@pytest.mark.parametrize("groups", [None, "", {}, [{"name": "traders"}], [["traders"]], 5, [None]])
async def test_groups_of_another_shape_give_no_role(groups: Any) -> None:
    """Nor do they break the way in."""
    assert (await StandIn(but(groups=groups)).sign_in()).role is None


@pytest.mark.parametrize(
    "odd",
    [
        {"metadata": lambda told: {**told, "jwks_uri": None}},
        {"metadata": lambda told: {"issuer": told["issuer"]}},
        {"token": lambda _: []},
        {"token": lambda _: {"access_token": "x"}},
        {"token": lambda _: {"id_token": None}},
        {"token": lambda _: "x"},
    ],
)
async def test_a_provider_that_answers_oddly_is_told_of(odd: Any) -> None:
    """As a sign-in that failed, never as a fault of the desk."""
    with pytest.raises(SignInError):
        await StandIn(signed, **odd).sign_in()
