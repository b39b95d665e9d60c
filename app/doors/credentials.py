"""What a request says of who sent it, as far as it can be believed."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie

from app import address
from app.gate import Scope
from core.domain.access.principals import LOCAL, PROXY, Principal, Role, highest
from core.domain.access.tokens import digest, is_subject, spelled
from core.service.desk import Desk
from core.service.kernel.roster import Roster

COOKIE = "openbell_session"
CALLER = "openbell.caller"  # where the doors leave it for the routes
BEARER = "bearer "
_FOR = b"x-forwarded-for"
_HANDED_ON = (_FOR, b"x-real-ip", b"forwarded")  # how proxies say for whom they ask


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request: a principal or nobody, from an address.

    `wrong`: a token came with it that does not count. `session` is the secret of a browser's
    session, `sha256` the digest of a token. `own`: it is the desk's own command line.
    """

    who: Principal | None
    address: str
    session: str = ""
    wrong: bool = False
    own: bool = False
    bearer: bool = False
    secure: bool = False
    sha256: str = ""


def of(scope: Scope, desk: Desk) -> Visitor:
    """Who sent the request."""
    peer, secure = believed(scope, desk.settings.trusted_proxies)
    given = header(scope, b"authorization") or ""
    if given[: len(BEARER)].lower() == BEARER:  # a proxy in front may ask for passwords of its own
        return _of_bearer(desk, given[len(BEARER) :].strip(), peer, secure=secure)
    if who := _of_proxy(scope, desk):
        return Visitor(who, peer, secure=secure)
    session = cookie(scope, COOKIE)
    who = desk.roster.of_session(session) if session else None
    return Visitor(who, peer, session=session if who else "", secure=secure)


def _of_proxy(scope: Scope, desk: Desk) -> Principal | None:
    """Whom a listed proxy names as signed in there; from any other address the header is nothing.

    A header that comes twice names nobody: one of the two is not the proxy's.
    """
    chosen = desk.settings
    named = chosen.proxy_user_header.lower().encode()
    if not named or not _listed(address_of(scope), chosen.trusted_proxies):
        return None
    user = (header(scope, named) or "").strip()
    if not is_subject(user):
        return None
    user = spelled(desk.roster.people(), PROXY, user)
    told = header(scope, chosen.proxy_groups_header.lower().encode()) or ""
    groups = {group.strip() for group in told.split(",")}
    roles = [Role(role) for group, role in chosen.oidc_roles if group in groups]
    return desk.roster.signed_in(PROXY, user, user, highest(roles))


def _of_bearer(desk: Desk, token: str, peer: str, *, secure: bool) -> Visitor:
    who = desk.roster.of_token(token)
    if who is None and is_own(desk, token):
        return Visitor(LOCAL, peer, own=True, bearer=True, secure=secure)
    return Visitor(who, peer, wrong=who is None, bearer=True, secure=secure, sha256=digest(token))


def still_reads(roster: Roster, caller: Visitor) -> bool:
    """Whether a caller who was let in may still read: by what they came in with, not by name."""
    if caller.own:
        return True
    if caller.session:
        who = roster.of_session(caller.session)
    elif caller.sha256:
        who = roster.of_digest(caller.sha256)
    else:
        who = roster.current(caller.who) if caller.who else None
    return who is not None and who.may(Role.VIEWER)


def is_own(desk: Desk, token: str) -> bool:
    """Whether it is the token in desk.json, which whoever has the data folder can read."""
    expected = address.read(desk.settings.data_dir)
    return expected is not None and secrets.compare_digest(
        token.encode("utf-8", "surrogatepass"), expected.token.encode()
    )


def address_of(scope: Scope) -> str:
    """The address that a connection came from; empty where there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def believed(scope: Scope, proxies: tuple[str, ...]) -> tuple[str, bool]:
    """The address that a request came from first, and whether it travelled over TLS.

    What a listed proxy adds is believed: of the addresses it names the last that is no proxy's.
    """
    peer, secure = address_of(scope), scope.get("scheme") in ("https", "wss")
    if not _listed(peer, proxies):
        return peer, secure
    lines = [told.decode("latin-1") for name, told in scope["headers"] if name == _FOR]
    forwarded = ",".join(lines).split(",")  # a proxy may add a line of its own to those there are
    for hop in reversed([hop.strip() for hop in forwarded]):
        if not _is_address(hop):
            break
        peer = hop
        if not _listed(hop, proxies):
            break
    return peer, secure or header(scope, b"x-forwarded-proto") == "https"


@lru_cache(maxsize=1024)
def _listed(peer: str, proxies: tuple[str, ...]) -> bool:
    return _is_address(peer) and any(
        ipaddress.ip_address(peer) in ipaddress.ip_network(entry) for entry in proxies
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_local(scope: Scope) -> bool:
    """Whether a connection came from this machine; one without an address did."""
    return _is_loopback(address_of(scope))


@lru_cache(maxsize=1024)
def _is_loopback(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return True  # a socket of the file system, or a call within the process


def began_here(scope: Scope) -> bool:
    """Whether a request comes from this machine, and from no further: no proxy handed it on.

    A proxy on this machine is local itself; whom it speaks for says what it adds.
    """
    if not is_local(scope):
        return False
    told = [value.decode("latin-1") for name, value in scope["headers"] if name in _HANDED_ON]
    hops = [hop.strip() for value in told for hop in value.split(",")]
    return all(_is_address(hop) and ipaddress.ip_address(hop).is_loopback for hop in hops)


def header(scope: Scope, name: bytes) -> str | None:
    """A header that came once; None when it did not come, "" when it came several times."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return None if not values else values[0] if len(values) == 1 else ""


def cookie(scope: Scope, name: str) -> str:
    """A cookie's value; empty without it."""
    jar: SimpleCookie = SimpleCookie()
    for key, value in scope["headers"]:
        if key == b"cookie":
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                continue
    return jar[name].value if name in jar else ""
