"""What a run of a page pays Streamlit for each element and each fragment, made cheaper.

Each stands in for a function of Streamlit and does what that does, for the cases that the desk has;
any other is handed on. `streamlit_patches` puts them in place.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType, MethodType
from typing import Any

from streamlit import config
from streamlit.cursor import RunningCursor
from streamlit.delta_generator import DeltaGenerator
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context_attr import (
    SCRIPT_RUN_CONTEXT_ATTR_NAME,
)
from streamlit.runtime.state.common import is_element_id
from streamlit.runtime.state.session_state import _is_internal_key

PARALLEL = "parallel_coordinator"  # of fragments in threads of their own
WAITING = "_openbell_waiting"  # calls of a session that its loop has not made yet
ATOMS = frozenset({str, int, float, bool, type(None)})
KEPT_IDS = 1024
_UNKNOWN = object()
COUNTED = "wrapped_func"  # the name of what counts the calls of a command


class MessageHash:
    """Names a message by its content as `plain` does, without taking it apart first.

    Where it stands is no part of its name, so only what is drawn is looked at.
    """

    def __init__(self, plain: Callable[[ForwardMsg], None]) -> None:
        self.plain = plain
        self._smallest: int | None = None  # bytes that a browser is asked to keep

    def __call__(self, message: ForwardMsg) -> None:
        """Fill `hash` and `metadata.cacheable`."""
        if message.hash or not message.HasField("delta"):
            self.plain(message)
            return
        drawn = message.delta.SerializeToString(deterministic=True)
        digest = hashlib.blake2b(drawn, digest_size=16, usedforsecurity=False)
        message.hash = digest.hexdigest()
        if len(drawn) >= self._keeps():
            message.metadata.cacheable = message.delta.HasField("new_element")

    def _keeps(self) -> int:
        if self._smallest is None:
            self._smallest = int(config.get_option("global.minCachedMessageSize"))
        return self._smallest


class PlaceCopies:
    """Copies where a run stands as `plain`, a deep copy, does: all that a fragment needs of it."""

    def __init__(self, plain: Callable[[Any], Any]) -> None:
        self.plain = plain

    def __call__(self, thing: Any) -> Any:
        """The cursors of a run, or the containers it is in when that is the page itself."""
        if type(thing) is dict and all(map(_is_simple, thing.values())):
            return {key: _twin(cursor) for key, cursor in thing.items()}
        if type(thing) is tuple and len(thing) == 1 and _is_root(thing[0]):
            return (self._root(thing[0]),)
        return self.plain(thing)

    def _root(self, root: DeltaGenerator) -> DeltaGenerator:
        cursor = root._cursor
        if not _is_simple(cursor):
            copied: DeltaGenerator = self.plain(root)
            return copied
        return DeltaGenerator(root._root_container, _twin(cursor), None, root._block_type)


def _is_simple(cursor: Any) -> bool:
    return type(cursor) is RunningCursor and len(cursor._transient_elements) == 0


def _is_root(container: Any) -> bool:
    """Whether it is the page itself: in no other container, form or fragment."""
    return type(container) is DeltaGenerator and not any((
        container._parent, container._form_data, container._creating_fragment_id,
        container._provided_cursor,
    ))  # fmt: skip


def _twin(cursor: Any) -> Any:
    """A copy that moves on by itself."""
    made = object.__new__(RunningCursor)
    vars(made).update(vars(cursor))
    made._transient_elements = type(cursor._transient_elements)()
    return made


class OneLine:
    """Takes the indent out of a text as `plain` does, of a single line without looking at lines."""

    def __init__(self, plain: Callable[[Any], str]) -> None:
        self.plain = plain

    def __call__(self, text: Any) -> str:
        """The text without what is blank around it."""
        return text.strip() if type(text) is str and "\n" not in text else self.plain(text)


class OnlyStyles:
    """Whether HTML is nothing but styles, as `plain` says; what begins otherwise is not."""

    def __init__(self, plain: Callable[[str], bool]) -> None:
        self.plain = plain

    def __call__(self, text: str) -> bool:
        """Comments count as nothing."""
        begin = text[:64].lstrip().lower()
        other = len(begin) >= len("<style") and not begin.startswith(("<style", "<!--"))
        return False if other else self.plain(text)


class AddressOfImage:
    """The address of an image as `plain` finds it; that of a data URI is itself.

    The disk would be asked at each run whether it is the name of a file.
    """

    def __init__(self, plain: Callable[..., str]) -> None:
        self.plain = plain

    def __call__(self, image: Any, *args: Any, **kwargs: Any) -> str:
        """Where the browser finds it."""
        if type(image) is str and image.startswith("data:image/"):
            return image
        return self.plain(image, *args, **kwargs)


class StateByKey:
    """The state of a session as widgets read it: by their own key, without a copy of the whole."""

    def __init__(self, state: Any) -> None:
        self._state = state

    @property
    def filtered_state(self) -> StateByKey:
        """What has a key of the page's; Streamlit's own entries are not there."""
        return self

    def __contains__(self, key: str) -> bool:
        with self._state._lock:
            return not _is_hidden(key) and key in self._state._state

    def __getitem__(self, key: str) -> Any:
        if _is_hidden(key):
            raise KeyError(key)
        with self._state._lock:
            return self._state._state[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


def _is_hidden(key: str) -> bool:
    return is_element_id(key) or _is_internal_key(key)


class FindsState:
    """Finds the state of the session as `plain` does, for one who reads by key."""

    def __init__(self, plain: Callable[[], Any]) -> None:
        self.plain = plain

    def __call__(self) -> StateByKey:
        """The state of the session whose run this is."""
        return StateByKey(self.plain())


def calls_together(plain: Callable[[Any, Callable[[], None]], None]) -> Callable[..., None]:
    """`plain`, which lets the loop of a session call; calls that wait are made in one go, in turn.

    A run hands over some thirty messages, each a call that wakes the loop.
    """

    def call_soon(session: Any, call: Callable[[], None]) -> None:
        waiting = vars(session).setdefault(WAITING, _Waiting())
        waiting.calls.append(call)
        if not waiting.due:  # one that looks after us finds it due until the calls are made
            waiting.due = True
            plain(session, waiting.make)

    call_soon.plain = plain  # type: ignore[attr-defined]
    return call_soon


class _Waiting:
    """Calls that a loop is due to make; appended by any thread, taken by the loop's alone."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], None]] = deque()
        self.due = False

    def make(self) -> None:
        self.due = False  # first: who comes now asks for another turn, which may find nothing left
        try:
            while self.calls:
                self.calls.popleft()()
        finally:
            if self.calls:  # one has failed, of which the loop tells; the others come next
                asyncio.get_running_loop().call_soon(self.make)


class ElementIds:
    """Names an element as `plain` does, which is asked once for the same arguments."""

    def __init__(self, plain: Callable[..., str]) -> None:
        self.plain = plain
        self.kept = lru_cache(KEPT_IDS)(lambda _, args, pairs: plain(*args, **dict(pairs)))

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        """The id; of arguments that are not plain values made anew."""
        kinds = tuple(map(type, (*args, *kwargs.values())))
        if not ATOMS.issuperset(kinds):
            return self.plain(*args, **kwargs)
        return self.kept(kinds, args, tuple(kwargs.items()))


def quick_yield(plain: Callable[[Any], None]) -> Callable[[Any], None]:
    """`plain`, at which a run stops or begins anew if that was asked for; a run comes by a hundred
    times, and mostly nothing was.
    """

    def yields(self: Any) -> None:
        if not _is_undisturbed(self):
            plain(self)

    yields.plain = plain  # type: ignore[attr-defined]
    return yields


def _is_undisturbed(runner: Any) -> bool:
    """Whether nobody asks anything of the run in this thread; False where that cannot be told."""
    thread = threading.current_thread()
    beside = getattr(getattr(thread, SCRIPT_RUN_CONTEXT_ATTR_NAME, None), PARALLEL, _UNKNOWN)
    asked = getattr(getattr(runner, "_requests", None), "_state", None)
    return (
        beside is not _UNKNOWN
        and thread is getattr(runner, "_script_thread", None)
        and asked == ScriptRequestType.CONTINUE
        and (beside is None or getattr(beside, "_worker_exception", _UNKNOWN) is None)
    )


def uncount(commands: Any) -> None:
    """Let the commands and properties of a module or class be called without being counted."""
    for name, found in list(vars(commands).items()):
        if isinstance(found, MethodType):
            if (bare := _bare(found.__func__)) is not None:
                setattr(commands, name, MethodType(bare, found.__self__))
        elif isinstance(found, property):
            if (bare := _bare(found.fget)) is not None:
                setattr(commands, name, found.getter(bare))
        elif (bare := _bare(found)) is not None:
            setattr(commands, name, bare)


def _bare(function: Any) -> Any:
    """The command within what counts it; None for anything else."""
    if not isinstance(function, FunctionType) or function.__code__.co_name != COUNTED:
        return None
    return getattr(function, "__wrapped__", None)
