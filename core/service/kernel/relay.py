"""What a desk that only reads hands to the engine, which does it for whoever asked.

Actions (`kernel.access.needs`) are handed on as they are. Functions that change something beside
them are `relayed`: they run where the store is written, as the one who acts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from core.domain.access.principals import NOBODY, Principal

if TYPE_CHECKING:
    from core.service.kernel.given_files import Carried

P = ParamSpec("P")
D = TypeVar("D")
R = TypeVar("R")


class Relay(Protocol):
    """The way from a desk to the engine that leads."""

    def ask(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], who: Principal) -> Any:
        """What the engine answers, or the error that it raises; ReadOnlyError without an answer."""
        ...

    def away(self) -> float | None:
        """For how many seconds no engine has led; None while one does."""
        ...

    def tell(self, name: str, args: Sequence[Any]) -> None:
        """Hand something on without waiting; what cannot be handed on is told in the log."""
        ...

    def carrying(self, path: Path) -> AbstractContextManager[Carried]:
        """What stands for a file or folder of this machine; the engine may fetch it meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class Relayed:
    """A function that is done for a desk beside its actions.

    `of_the_doors`: before there is anybody who acts, or with a proof of its own.
    """

    function: Callable[..., Any]
    of_the_doors: bool


RELAYED: dict[str, Relayed] = {}  # by `module.function`


def relay_of(desk: Any) -> Relay | None:
    """The way to the engine; None where this process writes the store itself."""
    found: Relay | None = getattr(desk, "relay", None)
    return found


def relayed(
    who: Callable[[Any], Principal] | None = None,
) -> Callable[[Callable[Concatenate[D, P], R]], Callable[Concatenate[D, P], R]]:
    """Let `(desk, …)` run where the store is written; `who` tells of a desk who acts.

    Without `who` it is of the doors, and says itself who may.
    """

    def declare(function: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

        @functools.wraps(function)
        def here_or_there(desk: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
            relay = relay_of(desk)
            if relay is None:
                return function(desk, *args, **kwargs)
            answer: R = relay.ask(name, args, kwargs, who(desk) if who else NOBODY)
            return answer

        RELAYED[name] = Relayed(function, of_the_doors=who is None)
        return here_or_there

    return declare
