"""An OpenID provider: who somebody is by its word, proven by the signature on its ID token.

The code flow with PKCE, a state that only the browser that began can bring back, and a nonce. What
is under way is kept in memory: a sign-in that a restart interrupts begins anew.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.domain.access.principals import Role, highest
from core.domain.access.tokens import is_subject
from core.errors import SignInError, TransportError
from core.settings import Settings

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
SCOPE = "openid profile email"
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")  # of its metadata
MINUTES, MOST = 10, 1000  # a sign-in may take; under way at once
ASKED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A sign-in under way: what must come back with it, and the view that was asked for."""

    verifier: str
    nonce: str
    where: str
    redirect: str
    until: float


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for, and the role that their groups give them here."""

    issuer: str
    subject: str
    name: str
    role: Role | None


class Provider:
    """The provider of the settings; `transport` stands for the network in tests."""

    def __init__(
        self,
        chosen: Settings,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chosen, self._transport, self._clock = chosen, transport, clock
        self._visits: dict[str, Visit] = {}
        self._told: dict[str, Any] | None = None

    async def begin(self, where: str, redirect: str) -> tuple[str, str]:
        """Where to send the browser, and the state that it must bring back."""
        told = await self._metadata()
        state = secrets.token_urlsafe(32)
        visit = Visit(
            secrets.token_urlsafe(48),
            secrets.token_urlsafe(24),
            where,
            redirect,
            self._clock() + 60 * MINUTES,
        )
        url = prepare_grant_uri(
            told["authorization_endpoint"],
            self._chosen.oidc_client_id,
            "code",
            redirect_uri=redirect,
            scope=SCOPE,
            state=state,
            nonce=visit.nonce,
            code_challenge=create_s256_code_challenge(visit.verifier),
            code_challenge_method="S256",
        )
        self._visits = {key: v for key, v in self._visits.items() if v.until > self._clock()}
        while len(self._visits) >= MOST:
            self._visits.pop(next(iter(self._visits)))
        self._visits[state] = visit
        return url, state

    async def finish(self, query: Mapping[str, str], brought: str) -> tuple[Vouched, str]:
        """Whom it vouches for and the view they asked for; SignInError for anything else."""
        state = query.get("state", "")
        visit = self._visits.pop(state, None)
        same = secrets.compare_digest(state.encode(), brought.encode())
        if visit is None or not same or visit.until <= self._clock():
            raise SignInError("that sign-in is not under way here (any more)", hint="begin again")
        if "code" not in query:
            raise SignInError(f"the provider refused: {query.get('error', 'no code')[:80]}")
        try:
            claims = await self._told_of(visit, query["code"])
        except (JoseError, ValueError, KeyError) as error:
            raise SignInError(
                f"the provider's word does not count: {type(error).__name__}", hint="begin again"
            ) from error
        except httpx.HTTPError as error:
            raise _away(self._chosen.oidc_issuer, error) from error
        return self._vouched(claims), visit.where

    async def _told_of(self, visit: Visit, code: str) -> dict[str, Any]:
        """The claims about who has signed in: of the ID token, and of the provider's own page."""
        told = await self._metadata()
        async with self._http() as client:
            given = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": visit.redirect,
                "code_verifier": visit.verifier,
            }
            answer = await client.post(told["token_endpoint"], **self._as_client(told, given))
            if answer.status_code in (400, 401):
                raise SignInError("the provider does not take the code", hint="begin again")
            token = _object(answer)
            keys = _object(await client.get(told["jwks_uri"]))
            claims = self._proven(str(token["id_token"]), keys, visit.nonce)
            if self._chosen.oidc_role_claim in claims or "userinfo_endpoint" not in told:
                return claims
            bearer = {"Authorization": f"Bearer {token['access_token']}"}
            more = _object(await client.get(told["userinfo_endpoint"], headers=bearer))
        return {**more, **claims} if more.get("sub") == claims["sub"] else claims

    def _as_client(self, told: Mapping[str, Any], given: dict[str, str]) -> dict[str, Any]:
        """The request for a token, with the desk's own proof in the way that the provider takes."""
        name = self._chosen.oidc_client_id
        secret = self._chosen.oidc_client_secret.get_secret_value()
        ways = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in ways:
            return {"data": given, "auth": httpx.BasicAuth(quote(name), quote(secret))}
        own = {"client_id": name, **({"client_secret": secret} if secret else {})}
        return {"data": {**given, **own}}

    def _proven(self, token: str, keys: Any, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that the provider signed, for us, for this sign-in."""
        found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self._chosen.oidc_issuer},
            aud={"essential": True, "value": self._chosen.oidc_client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
            leeway=60,
        ).validate(found.claims)
        if found.claims.get("azp", self._chosen.oidc_client_id) != self._chosen.oidc_client_id:
            raise ValueError("the token was made for another client")
        if found.claims["nonce"] != nonce or not is_subject(found.claims["sub"]):
            raise ValueError("a list of nonces, or a subject that is none")
        return dict(found.claims)

    def _vouched(self, claims: Mapping[str, Any]) -> Vouched:
        given = claims.get(self._chosen.oidc_role_claim)
        listed = given if isinstance(given, list) else [given]
        groups = {group for group in listed if isinstance(group, str)}
        roles = [Role(role) for group, role in self._chosen.oidc_roles if group in groups]
        subject = str(claims["sub"])
        names = (claims.get(n) for n in ("name", "preferred_username", "email"))
        name = next((n for n in names if isinstance(n, str) and n.strip()), subject)
        return Vouched(self._chosen.oidc_issuer, subject, name, highest(roles))

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport, timeout=ASKED_SECONDS)

    async def _metadata(self) -> dict[str, Any]:
        """What the provider says of itself; asked once."""
        if self._told is None:
            issuer = self._chosen.oidc_issuer
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                async with self._http() as client:
                    told = _object(await client.get(url))
            except (httpx.HTTPError, ValueError) as error:
                raise _away(issuer, error) from error
            if told.get("issuer") != issuer:
                raise SignInError(
                    f"the provider calls itself {str(told.get('issuer'))[:100]!r}",
                    hint="set OPENBELL_OIDC_ISSUER to just that",
                )
            for name in NEEDED:
                if not isinstance(told.get(name), str):
                    raise SignInError(f"the provider does not name its {name}")
            self._told = told
        return self._told


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; ValueError where it is none, httpx.HTTPError for a refusal."""
    found = answer.raise_for_status().json()
    if not isinstance(found, dict):
        raise ValueError("an object was expected")
    return found


def _away(issuer: str, error: Exception) -> TransportError:
    kind = type(error).__name__
    return TransportError(
        f"the provider did not answer ({kind})", where=issuer, hint="try again soon"
    )
