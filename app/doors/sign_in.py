"""Signing in at a provider or with a token, and out again: small pages that need no script."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.doors import credentials, middleware
from app.doors.credentials import COOKIE
from app.doors.middleware import SIGN_IN, SIGN_OUT, House
from core.domain.access.principals import Principal
from core.domain.access.tokens import digest
from core.errors import OpenbellError, SignInError, TooManyError, TransportError
from core.observe.sparing import Sparing
from core.service.kernel.roster import Roster

if TYPE_CHECKING:
    from app.doors.provider import Provider

LANDING = "/"
SIGNED_OUT = "You are signed out."
log = Sparing("sign in")
TO_PROVIDER, BACK = "/sign-in/provider", "/sign-in/back"
STATE = "openbell_sign_in"
_LEAD = """<p><a class="button" href="{target}">Sign in with your organisation</a></p>
<p>or with a token:</p>"""
_NEXT = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")  # a path of ours: no host, no back slash
_ELSEWHERE = ("cross-site", "same-site")  # as browsers say where a request began
_LEAVE = """<form method="post" action="/sign-out"><p>Another page has led here.</p>
<button>Sign out</button></form>"""
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Openbell: sign in</title>
<meta name="viewport" content="width=device-width"><style>
html{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:15vh auto;padding:0 1rem}}
input,button,a.button{{display:block;text-align:center;font:inherit;color:inherit;
width:100%;box-sizing:border-box;padding:.5rem;margin:.4rem 0;border:1px solid #888;
border-radius:.3rem}}a.button{{text-decoration:none}}code{{display:block;font-size:.85em}}
.told{{color:#b3261e}}@media(prefers-color-scheme:dark){{body{{background:#111;color:#eee}}
.told{{color:#ff8a80}}}}</style><main><h1>Openbell</h1>{told}{form}</main></html>"""
_FORM = """<form method="post" action="/sign-in"><input type="hidden" name="next" value="{next}">
<label for="token">Token</label><input id="token" name="token" type="password" required{focus}
autocomplete="current-password"><button>Sign in</button></form>
<p>An admin of the desk makes one: <code>python -m app token add NAME --role viewer</code></p>"""


def routes(find: Callable[[], House | None]) -> list[Route]:
    """The routes of signing in and out."""

    async def page(request: Request) -> Response:
        told = SIGNED_OUT if "out" in request.query_params else ""
        return shown(asked(request.query_params.get("next")), told, provider=_provider(find()))

    async def go(request: Request) -> Response:
        """To the provider, with a state that this browser must bring back."""
        provider, where = _provider(find()), asked(request.query_params.get("next"))
        if provider is None:
            return shown(where, "No provider signs in here.", 404)
        try:
            url, state = await provider.begin(where, _back(find(), request))
        except OpenbellError as error:
            return shown(where, sentences(error), 503, provider=provider)
        answer = RedirectResponse(url, status_code=303)
        answer.set_cookie(
            _cookie_of(state), state, 600, path=BACK, httponly=True, samesite="lax",
            secure=_is_secure(find(), request),
        )  # fmt: skip
        return answer

    async def back(request: Request) -> Response:
        """From the provider: a session for whom it vouches for, and on to what was asked for."""
        inside = find()
        provider = _provider(inside)
        if inside is None or provider is None:
            return shown(LANDING, "No provider signs in here.", 404)
        try:
            return await _vouched(inside, provider, request)
        except TransportError as error:
            return shown(LANDING, sentences(error), 503, provider=provider)
        except OpenbellError as error:
            return await _not_vouched(inside, provider, request, error, LANDING)

    async def enter(request: Request) -> Response:
        inside = find()
        if inside is None:
            return shown(LANDING, "The desk is not open yet.", 503)
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        where = asked(fields.get("next", [""])[0])
        provider = inside.provider
        try:
            return await _enter(inside, request, fields.get("token", [""])[0].strip(), where)
        except TooManyError as error:
            return _late(where, error, provider)
        except OpenbellError as error:
            return shown(where, sentences(error), 401, provider=provider)

    async def leave(request: Request) -> Response:
        """End the session; a link on a page of another site does not, it leads to a button."""
        if request.method != "POST" and request.headers.get("sec-fetch-site") in _ELSEWHERE:
            body = _PAGE.format(told="", form=_LEAVE)
            return HTMLResponse(body, headers={"Cache-Control": "no-store"})
        inside = find()
        secret = credentials.cookie(request.scope, COOKIE)
        if inside is not None and secret:
            await anyio.to_thread.run_sync(inside.desk.roster.end, secret)
        answer = RedirectResponse(f"{SIGN_IN}?out", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer

    return [
        Route(SIGN_IN, page, methods=["GET"]),
        Route(SIGN_IN, enter, methods=["POST"]),
        Route(TO_PROVIDER, go, methods=["GET"]),
        Route(BACK, back, methods=["GET"]),
        Route(SIGN_OUT, leave, methods=["GET", "POST"]),
    ]


def _provider(inside: House | None) -> Provider | None:
    return inside.provider if inside else None


def _back(inside: House | None, request: Request) -> str:
    """Where the provider sends the browser back to: this desk as the browser names it."""
    scheme = "https" if _is_secure(inside, request) else "http"
    return f"{scheme}://{request.headers.get('host', '')}{BACK}"


def _cookie_of(state: str) -> str:
    """The name of the cookie that holds a state: one each, for tabs that sign in side by side."""
    return f"{STATE}_{digest(state)[:12]}"


def _is_secure(inside: House | None, request: Request) -> bool:
    """Whether the browser asked over TLS, as far as that can be believed."""
    proxies = inside.desk.settings.trusted_proxies if inside else ()
    return credentials.believed(request.scope, proxies)[1]


async def _not_vouched(
    inside: House, provider: Provider, request: Request, error: OpenbellError, where: str
) -> Response:
    """Answer a sign-in that came to nothing as late as a wrong token: anybody can send one."""
    peer, _ = credentials.believed(request.scope, inside.desk.settings.trusted_proxies)
    log.warning("a sign-in came to nothing", address=peer, error=error.message)
    try:
        await middleware.knocked(inside, peer)
    except TooManyError as many:
        return _late(where, many, provider)
    return shown(where, sentences(error), 401, provider=provider)


def _late(where: str, error: TooManyError, provider: Provider | None) -> Response:
    headers = {"Retry-After": str(error.retry_after_seconds)}
    return shown(where, sentences(error), 429, headers, provider=provider)


async def _vouched(inside: House, provider: Provider, request: Request) -> Response:
    kept = _cookie_of(request.query_params.get("state", ""))
    brought = credentials.cookie(request.scope, kept)
    found, where = await provider.finish(request.query_params, brought)
    roster = inside.desk.roster

    def enter() -> str:
        who = roster.signed_in(found.issuer, found.subject, found.name, found.role)
        if who.role is None:
            raise SignInError(
                f"{who.name} has no role on this desk", hint="ask an admin of the desk for one"
            )
        return _begun(roster, who, credentials.cookie(request.scope, COOKIE))

    try:
        secret = await anyio.to_thread.run_sync(enter)
    except SignInError as error:  # who comes back with a role is led to what they asked for
        return await _not_vouched(inside, provider, request, error, where)
    answer = RedirectResponse(where, status_code=303)
    with_session(answer, secret, inside, secure=_is_secure(inside, request))
    answer.delete_cookie(kept, path=BACK)
    return answer


async def _enter(inside: House, request: Request, token: str, where: str) -> Response:
    """A session for the owner of a token, who is led on to what they had asked for."""
    proxies = inside.desk.settings.trusted_proxies
    peer, secure = credentials.believed(request.scope, proxies)
    who = inside.desk.roster.of_token(token)
    if who is None:
        await middleware.knocked(inside, peer)
        raise SignInError("that token does not count here")
    before = credentials.cookie(request.scope, COOKIE)
    secret = await anyio.to_thread.run_sync(_begun, inside.desk.roster, who, before)
    answer = RedirectResponse(where, status_code=303)
    with_session(answer, secret, inside, secure=secure)
    return answer


def _begun(roster: Roster, who: Principal, before: str) -> str:
    """The secret of a new session, in place of the one that the browser had."""
    secret = roster.begin(who)
    if before:
        roster.end(before)
    return secret


def with_session(answer: Response, secret: str, inside: House, *, secure: bool) -> None:
    """Let the browser keep a session: no script can read it, no other site can send it."""
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(inside.desk.settings.session_hours * 3600),
        httponly=True,
        samesite="lax",
        secure=secure,
    )


def sentences(error: OpenbellError) -> str:
    """What went wrong and what helps, as people write it."""
    said = [text for text in (error.message, error.hint) if text]
    return " ".join(f"{text[0].upper()}{text[1:].rstrip('.')}." for text in said)


def shown(
    where: str,
    told: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    provider: Provider | None = None,
) -> Response:
    """The page that leads to the provider or asks for a token, with what happened before."""
    kind = 'role="status"' if status == 200 else 'class="told" role="alert"'
    said = f"<p {kind}>{html.escape(told)}</p>" if told else ""
    target = html.escape(f"{TO_PROVIDER}?next={quote(where, safe='')}", quote=True)
    lead = _LEAD.format(target=target) if provider else ""
    form = _FORM.format(next=html.escape(where, quote=True), focus="" if provider else " autofocus")
    body = _PAGE.format(told=said, form=lead + form)
    return HTMLResponse(body, status, {"Cache-Control": "no-store", **(headers or {})})


def asked(given: str | None) -> str:
    """The view to lead on to: a path of this desk, else the landing page."""
    if not given or not _NEXT.fullmatch(given):
        return LANDING
    # as browsers read it: with its dots resolved, and letters that were written as numbers
    path = posixpath.normpath(unquote(re.split("[?#]", given)[0]))
    doors = (SIGN_IN.strip("/"), SIGN_OUT.strip("/"))
    return LANDING if path.strip("/").partition("/")[0] in doors else given
