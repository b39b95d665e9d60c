"""Elements that are what they were at the last run: kept as the message that Streamlit made.

What `st.markdown`, `st.html`, `st.container` and a chart draw follows from their arguments alone,
and a run mostly draws what the run before drew. Streamlit takes each text, layout and figure apart
again; here the message of a call is kept under the arguments of the call, and goes out anew with
the place of the element. Whatever is unusual (a call, a recording, an argument that
cannot be compared) is left to Streamlit.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import MethodType
from typing import Any

from streamlit.delta_generator import DeltaGenerator, _needs_outside_wrapper
from streamlit.elements.lib import agent_spec
from streamlit.elements.lib.form_utils import FormData, current_form_id
from streamlit.elements.lib.utils import _register_element_id
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.caching.cached_message_replay import in_cached_function  # type: ignore[attr-defined]
from streamlit.runtime.forward_msg_cache import create_reference_msg
from streamlit.runtime.scriptrunner_utils.script_run_context import (
    FragmentThreadState,
    ScriptRunContext,
    ThreadState,
    get_script_run_ctx,
)

from app.quick_runs import ATOMS
from components.kit import theme

KEPT_BYTES = 2**20
UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class KeptElement:
    """A message with what Streamlit needs of it; `block`: the type of a container.

    `source` is what it was made of, for an argument may be known by its identity.
    """

    message: ForwardMsg
    kind: str
    identity: str
    block: str | None
    source: object


def atom(value: Any) -> Any:
    """What a plain argument is known by: itself; UNKNOWN for any other."""
    return value if type(value) in ATOMS else UNKNOWN


def known_figure(value: Any) -> Any:
    """What an argument of a chart is known by: what is shared and unchanged, by identity."""
    if type(value) is theme.WrittenFigure or value is theme.TOOLBAR:
        return id(value)
    return atom(value)


class KeptElements:
    """Draws as `plain` does, a method of a container whose message its arguments settle.

    `known` says what an argument is known by; UNKNOWN for one that cannot be known. `most`: bytes.
    """

    def __init__(
        self,
        plain: Callable[..., Any],
        known: Callable[[Any], Any] = atom,
        most: int = KEPT_BYTES,
    ) -> None:
        self.plain = plain
        self._known = known
        self._left = most
        self._kept: OrderedDict[Any, tuple[KeptElement, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, place: DeltaGenerator, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Draw there; what Streamlit's method answers."""
        ctx = get_script_run_ctx(suppress_warning=True)
        state = None if ctx is None else ThreadState.get()
        if ctx is None or state is None or not _is_usual(state):
            return self.plain(place, *args, **kwargs)
        dg = place._active_dg
        if _needs_outside_wrapper(dg, state, ctx.fragment_storage):
            return self.plain(place, *args, **kwargs)
        known = self._known_by(args, kwargs)
        if any(part is UNKNOWN for part in known):
            return self.plain(place, *args, **kwargs)
        # ids of elements hold the page, the form and the part of the window
        page, form, part = state.active_script_hash, current_form_id(dg), dg._root_container
        stands = (page, form, part, state.fragment_id)
        key = (len(args), tuple(kwargs), known, tuple(map(type, known)), stands)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        if found is not None:
            return self._draw_again(dg, ctx, found[0], form, kwargs)
        return self._first(place, dg, ctx, key, args, kwargs)

    def _known_by(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """What the message follows from; with UNKNOWN where that cannot be said."""
        return tuple(map(self._known, (*args, *kwargs.values())))

    def _is_kept(self, drawn: Any) -> bool:
        """Whether the answer is settled, too: a chart to choose from answers what was chosen."""
        return type(drawn) is DeltaGenerator

    def _draw_again(
        self,
        dg: DeltaGenerator,
        ctx: ScriptRunContext,
        kept: KeptElement,
        form: str,
        kwargs: dict[str, Any],
    ) -> Any:
        """Draw what is kept; what Streamlit's method answers."""
        return _again(dg, ctx, kept, form)

    def _first(
        self,
        place: DeltaGenerator,
        dg: DeltaGenerator,
        ctx: ScriptRunContext,
        key: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Let Streamlit do it, and listen to what it sends."""
        heard: list[ForwardMsg] = []
        where = list(dg._cursor.delta_path) if dg._cursor else []
        enqueue, before = ctx.enqueue, vars(ctx).get("enqueue")

        def listen(message: ForwardMsg) -> None:
            enqueue(message)
            heard.append(message)

        vars(ctx)["enqueue"] = listen
        try:
            drawn = self.plain(place, *args, **kwargs)
        finally:
            if before is None:
                del vars(ctx)["enqueue"]
            else:
                vars(ctx)["enqueue"] = before
        if len(heard) == 1 and _is_whole(heard[0], where) and self._is_kept(drawn):
            self._keep(key, _kept(heard[0], (args, kwargs)), kwargs)
        return drawn

    def _keep(self, key: Any, made: KeptElement, kwargs: dict[str, Any]) -> None:
        """Keep a message with what it was made of, whose identity may be part of the key."""
        size = made.message.ByteSize()
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = made, size
            self._left -= size
            while self._left < 0:
                self._left += self._kept.popitem(last=False)[1][1]


def _is_usual(state: FragmentThreadState) -> bool:
    """Whether it is drawn by the run itself, not by a call or beside it, for a browser."""
    return not (
        state.in_fragment_callback
        or state.is_parallel_worker
        or in_cached_function.get()
        or agent_spec.is_recording()
    )


def _is_whole(heard: ForwardMsg, where: list[int]) -> bool:
    """Whether it is an element or a container that was put there."""
    return bool(
        heard.WhichOneof("type") == "delta"
        and heard.delta.WhichOneof("type") in {"new_element", "add_block"}
        and heard.hash
        and list(heard.metadata.delta_path) == where
    )


def _again(
    dg: DeltaGenerator, ctx: ScriptRunContext, kept: KeptElement, form: str
) -> DeltaGenerator:
    """What Streamlit does with a message that it has made."""
    if kept.identity:
        _register_element_id(ctx, kept.kind, kept.identity)
    cursor: Any = dg._cursor
    if kept.message.metadata.cacheable and kept.message.hash in ctx.cached_message_hashes:
        message = create_reference_msg(kept.message)
    else:
        message = ForwardMsg()
        message.CopyFrom(kept.message)
    message.metadata.delta_path[:] = cursor.delta_path
    if kept.block is None:
        ctx._enqueue(message)
        placed = DeltaGenerator(dg._root_container, cursor.lock_element(), dg)
    else:
        placed = DeltaGenerator(dg._root_container, cursor.open_block(), dg, kept.block)
        ctx._enqueue(message)
        placed._creating_fragment_id = kept.message.delta.fragment_id or None
    placed._form_data = FormData(form)
    return placed


def _kept(heard: ForwardMsg, source: Any) -> KeptElement:
    message = ForwardMsg()
    message.CopyFrom(heard)
    delta = message.delta
    if delta.HasField("add_block"):
        return KeptElement(
            message, "container", delta.add_block.id, delta.add_block.WhichOneof("type"), source
        )
    kind = str(delta.new_element.WhichOneof("type"))
    return KeptElement(
        message, kind, getattr(getattr(delta.new_element, kind), "id", ""), None, source
    )


def keeping(kept: KeptElements) -> Callable[..., Any]:
    """The method of a container that draws what is kept."""

    @wraps(kept.plain)
    def draw(place: DeltaGenerator, *args: Any, **kwargs: Any) -> Any:
        return kept(place, args, kwargs)

    draw.kept = kept  # type: ignore[attr-defined]
    return draw


def put_in_place(commands: Any, name: str, draw: Callable[..., Any]) -> None:
    """Let a command of Streamlit, and the method that it is of the whole page, draw so."""
    setattr(DeltaGenerator, name, draw)
    setattr(commands, name, MethodType(draw, getattr(commands, name).__self__))
