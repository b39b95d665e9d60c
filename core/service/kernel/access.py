"""Who acts, and the one place where it is decided whether they may.

Commands, exports and the functions that pages call to change something each say the role that they
need. Whoever acts is a `Principal` of the context: edges put it there (`acting`), or are asked
for it (`asked_of`). Without one nobody acts, save on a desk of one person (`OPENBELL_ACCESS=open`),
where it is that person. What `require` decides is looked up anew each time, so a change counts at
once; who reads a page, which it asks a dozen times while it is drawn, is kept for a moment.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from core.domain.access.principals import ENGINE, LOCAL, NOBODY, Principal, Role
from core.errors import RoleError, SignInError
from core.observe import events, logs, traces
from core.service.kernel.relay import relay_of
from core.service.kernel.trail import Trail, described

P = ParamSpec("P")
D = TypeVar("D")
R = TypeVar("R")
Asker = Callable[[], Principal | None]


@dataclass(frozen=True, slots=True)
class GuardedAction:
    """A function that changes something, and the role it needs."""

    role: Role
    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads a page of a desk, until an instant of `time.monotonic`."""

    desk: Any
    who: Principal
    until: float


log = logs.get("access")
ACTIONS: dict[str, GuardedAction] = {}  # what changes something, by `module.function`
DRAWN_SECONDS = 0.25  # how long a page takes its reader for who they were when its run began
_acting: ContextVar[Principal | None] = ContextVar("acting", default=None)
_reading: ContextVar[_Reader | None] = ContextVar("reading", default=None)
_inside: ContextVar[bool] = ContextVar("inside", default=False)
_socket: ContextVar[Principal | None] = ContextVar("socket", default=None)
_askers: list[Asker] = []


@contextmanager
def acting(principal: Principal) -> Iterator[None]:
    """Do what is inside as that principal; threads that copy the context do, too."""
    token = _acting.set(principal)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def heard_from(who: Principal) -> Iterator[None]:
    """Know whose socket it is that what is inside comes by; it lets nobody act."""
    token = _socket.set(who)
    try:
        yield
    finally:
        _socket.reset(token)


def must_be_asked_by(who: Principal, what: str) -> None:
    """RoleError where something of one reader is asked for by the socket of another."""
    asks = _socket.get()
    if asks is not None and asks.key != who.key:
        log.warning("refused", who=asks.name, role=str(asks.role), act=what)
        raise RoleError(f"{what} is of another reader")


@contextmanager
def told_as(who: Principal) -> Iterator[None]:
    """Let events of what is inside bear that name; those of the engine keep that of their job."""
    if who == ENGINE:
        yield
        return
    with events.acting(who.name):
        yield


def asked_of(edge: Asker) -> None:
    """Ask this edge, too, who acts where no principal is in the context; None: it does not know."""
    if edge not in _askers:
        _askers.append(edge)


def drawn_for(desk: Any, needed: Role, what: str) -> Principal:
    """`require`, once for a run of a page: for a moment `principal` says the same in its thread."""
    _reading.set(None)
    who = require(desk, needed, what)
    _reading.set(_Reader(desk, who, time.monotonic() + DRAWN_SECONDS))
    return who


def principal(desk: Any) -> Principal:
    """Who acts now, with the role of this moment; NOBODY when nobody has signed in.

    While a page is drawn, with the role of when that began: what they may is for `require` to say.
    """
    reading = _reading.get()
    if reading is None or _acting.get() is not None or reading.desk is not desk:
        return _now(desk)
    return reading.who if time.monotonic() < reading.until else _now(desk)


def _now(desk: Any) -> Principal:
    """Who acts, looked up anew."""
    given = _acting.get() or next((who for ask in _askers if (who := ask())), None)
    if given is None:
        return LOCAL if desk.settings.access == "open" else NOBODY
    return given if given in (LOCAL, ENGINE) else desk.roster.current(given)


def require(desk: Any, needed: Role, what: str) -> Principal:
    """Who acts, when they may; SignInError for nobody, RoleError for too small a role."""
    who = _now(desk)
    if who.may(needed):
        return who
    desk.roster.refused(who, what)
    if who.role is None:
        raise SignInError(
            f"{what} needs somebody who has signed in", hint="sign in, or send a token of the desk"
        )
    raise RoleError(
        f"{what} needs the role {needed}; {who.name} is {who.role}",
        hint="ask an admin of the desk for it",
    )


def needs(
    role: Role,
) -> Callable[[Callable[Concatenate[D, P], R]], Callable[Concatenate[D, P], R]]:
    """Declare an action `(desk, …)` and the role it needs; it is refused to all others.

    What was done is kept with who did it, and with what they gave it, in the chain of the desk.
    """

    def declare(function: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

        signature = inspect.signature(function)

        @functools.wraps(function)
        def guarded(desk: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
            who = require(desk, role, name)
            if _inside.get():  # part of an action that is kept, and told, already
                return function(desk, *args, **kwargs)
            if relay := relay_of(desk):
                answer: R = relay.ask(name, args, kwargs, who)
                return answer
            token = _inside.set(True)
            trail: Trail = desk.roster.trail  # type: ignore[attr-defined]
            try:
                # one id for what a click causes: in the log, the chain, events and jobs
                with (
                    logs.correlated(),
                    traces.span(f"act {name}", actor=who.name),
                    told_as(who),
                    trail.keeping(who, name, _given(signature, args, kwargs)),
                ):
                    return function(desk, *args, **kwargs)
            finally:
                _inside.reset(token)

        ACTIONS[name] = GuardedAction(role, guarded)
        return guarded

    return declare


def _given(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What an action was given, in words; nothing when it does not take that."""
    try:
        bound = signature.bind(None, *args, **kwargs).arguments
    except TypeError:
        return ""
    return described(dict(list(bound.items())[1:]))
