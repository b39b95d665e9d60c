"""What stands in for Streamlit at every element does what Streamlit does."""

from __future__ import annotations

import importlib
import threading
from copy import deepcopy
from functools import wraps
from types import MethodType, SimpleNamespace
from typing import Any

import pytest
from streamlit.cursor import RunningCursor
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements import html
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.RootContainer_pb2 import RootContainer
from streamlit.runtime import forward_msg_cache
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType
from streamlit.runtime.scriptrunner_utils.script_run_context_attr import (
    SCRIPT_RUN_CONTEXT_ATTR_NAME,
)
from streamlit.string_util import clean_text
from streamlit.testing.v1 import AppTest

from app import streamlit_patches
from app.quick_runs import (
    AddressOfImage,
    MessageHash,
    OneLine,
    OnlyStyles,
    PlaceCopies,
    quick_yield,
    uncount,
)

plain_hash = forward_msg_cache.populate_hash_if_needed


def _drawn(text: str, *path: int) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.metadata.active_script_hash = "main"
    message.delta.new_element.markdown.body = text
    return message


def _named(message: ForwardMsg, by: Any) -> ForwardMsg:
    by(message)
    return message


def test_a_message_is_named_by_what_it_draws_wherever_it_stands() -> None:
    """The same words at two places are one name, other words or another fragment another."""
    name = MessageHash(plain_hash)
    first, again = _named(_drawn("a", 0, 1), name), _named(_drawn("a", 0, 7), name)
    other, fragment = _drawn("b", 0, 1), _drawn("a", 0, 1)
    fragment.delta.fragment_id = "f"
    names = {m.hash for m in (first, again, _named(other, name), _named(fragment, name))}
    assert first.hash == again.hash
    assert len(names) == 3
    assert list(again.metadata.delta_path) == [0, 7]
    assert again.metadata.active_script_hash == "main"


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("block", [False, True])
def test_the_browser_is_asked_to_keep_what_streamlit_would_have_kept(
    size: int, block: bool
) -> None:
    """Large elements, never containers."""

    def message() -> ForwardMsg:
        made = _drawn("x" * size, 0)
        if block:
            made.delta.add_block.id = "x" * size
        return made

    quick, slow = _named(message(), MessageHash(plain_hash)), _named(message(), plain_hash)
    assert quick.metadata.cacheable == slow.metadata.cacheable == (size > 1 and not block)


def test_what_is_no_drawing_is_named_by_streamlit() -> None:
    """And a name that is there stays."""
    asked: list[ForwardMsg] = []
    name = MessageHash(asked.append)
    other = ForwardMsg(script_finished=0)
    known = _drawn("a", 0)
    known.hash = "known"
    name(other)
    name(known)
    assert asked == [other, known]
    assert known.hash == "known"


def _cursor(*advances: int) -> RunningCursor:
    made = RunningCursor(RootContainer.MAIN, (1, 2))
    for _ in range(sum(advances)):
        made.lock_element()
    return made


def _state(cursor: Any) -> tuple[Any, ...]:
    return (
        type(cursor),
        cursor.delta_path,
        cursor._transient_index,
        len(cursor._transient_elements),
    )


def test_copies_of_cursors_move_by_themselves() -> None:
    """As deep copies do: neither moves the other."""
    cursors = {RootContainer.MAIN: _cursor(3), RootContainer.SIDEBAR: _cursor()}
    copied = PlaceCopies(deepcopy)(cursors)
    assert {k: _state(c) for k, c in copied.items()} == {k: _state(c) for k, c in cursors.items()}
    copied[RootContainer.MAIN].lock_element()
    assert cursors[RootContainer.MAIN].index == 3
    cursors[RootContainer.SIDEBAR].open_block()
    assert copied[RootContainer.SIDEBAR].index == 0
    copied[RootContainer.MAIN]._transient_elements[0] = Element()
    assert len(cursors[RootContainer.MAIN]._transient_elements) == 0


def test_anything_else_is_copied_to_its_depths() -> None:
    """A cursor with a spinner on it, a container in another, two of them, other things."""
    asked: list[Any] = []
    copies = PlaceCopies(lambda thing: asked.append(thing) or deepcopy(thing))
    busy = _cursor()
    busy._transient_elements[0] = Element()
    inner = DeltaGenerator(RootContainer.MAIN, _cursor(), DeltaGenerator(RootContainer.MAIN))
    root = DeltaGenerator(RootContainer.SIDEBAR)
    things = [{0: busy}, (inner,), (root, inner), [1]]
    for thing in things:
        copies(thing)
    assert asked == things


def _page() -> None:
    import streamlit as st

    st.markdown("before")

    @st.fragment
    def part(key: str) -> None:
        with st.container():
            st.markdown("within")
        st.button("press", key=key)

    part("first")
    with st.container():
        part("second")
    st.markdown("after")


def _shown(at: AppTest) -> list[str]:
    return [str(element.proto) for element in (*at.markdown, *at.button)]


def test_a_page_with_fragments_is_drawn_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fragments on the page itself and in a container, before and after all patches."""
    for place in (streamlit_patches.MESSAGES, streamlit_patches.COPIES):
        module = importlib.import_module(place[0])
        now = getattr(module, place[1])
        monkeypatch.setattr(module, place[1], getattr(now, "plain", now))
    before = _shown(AppTest.from_function(_page, default_timeout=60).run())
    streamlit_patches.name_messages_quickly()
    streamlit_patches.copy_places_quickly()
    streamlit_patches.count_nothing()
    at = AppTest.from_function(_page, default_timeout=60).run()
    assert not at.exception
    assert _shown(at) == before
    assert len(before) == 6


def test_commands_are_called_without_being_counted() -> None:
    """Functions and bound methods lose the layer that counts; what has none stays."""
    counted: list[str] = []

    def counts(function: Any) -> Any:
        @wraps(function)
        def wrapped_func(*args: Any) -> Any:
            counted.append(function.__name__)
            return function(*args)

        assert wrapped_func.__name__ == function.__name__
        return wrapped_func

    class Commands:
        @counts
        def draw(self) -> str:
            return "drawn"

        def other(self) -> str:
            return "other"

        @property
        @counts
        def asked(self) -> str:
            return "asked"

    module = SimpleNamespace(
        run=counts(lambda: "run"), draw=MethodType(Commands.draw, Commands()), number=1
    )
    for holder in (Commands, module):
        uncount(holder)
    assert (Commands().draw(), Commands().other(), module.run()) == ("drawn", "other", "run")
    assert (module.draw(), module.number) == ("drawn", 1)
    assert Commands().asked == "asked"
    assert counted == []


HTML = ["", " ", "<b>x</b>", "  <p>a</p> ", "<style>a</style>", " <!-- c --><STYLE x>b</STYLE>\n",
        "<style>a</style> y", "<sty", " " * 70 + "<style>a</style>", "<!-- c -->", "<!-- c -->x",
        "<st>", "\n  a\n   b", "\ta\r  b", "a"]  # fmt: skip


def _plain(thing: Any) -> Any:
    return getattr(thing, "plain", thing)


@pytest.mark.parametrize("text", HTML)
def test_html_is_read_as_by_streamlit(text: str) -> None:
    """What is blank around it goes, and what is nothing but styles is known."""
    assert OneLine(_plain(clean_text))(text) == _plain(clean_text)(text)
    only = _plain(html._html_only_style_tags)
    assert OnlyStyles(only)(text) is only(text)


def test_only_a_data_uri_is_its_own_address() -> None:
    """Names of files, and what is no text, are left to Streamlit."""
    find = AddressOfImage(lambda image, *_: f"found {image}")
    uri = "data:image/svg+xml;base64,AA"
    assert [find(uri, 1), find("logo.svg", 1), find(b"x")] == [uri, "found logo.svg", "found b'x'"]


@pytest.mark.parametrize(
    ("state", "beside", "asks"),
    [
        (ScriptRequestType.CONTINUE, None, False),
        (ScriptRequestType.CONTINUE, SimpleNamespace(_worker_exception=None), False),
        (ScriptRequestType.CONTINUE, SimpleNamespace(_worker_exception=ValueError()), True),
        (ScriptRequestType.CONTINUE, SimpleNamespace(), True),
        (ScriptRequestType.STOP, None, True),
        (ScriptRequestType.RERUN, None, True),
    ],
)
def test_a_run_yields_where_something_is_asked_of_it(state: Any, beside: Any, asks: bool) -> None:
    """A stop, another run, a part beside it that failed; what a release lacks is asked, too."""
    asked: list[Any] = []
    runner = SimpleNamespace(
        _requests=SimpleNamespace(_state=state), _script_thread=threading.current_thread()
    )
    thread = threading.current_thread()
    setattr(thread, SCRIPT_RUN_CONTEXT_ATTR_NAME, SimpleNamespace(parallel_coordinator=beside))
    try:
        quick_yield(asked.append)(runner)
        assert asked == ([runner] if asks else [])
        for name in ("_requests", "_script_thread"):
            bare = SimpleNamespace(**{k: v for k, v in vars(runner).items() if k != name})
            quick_yield(asked.append)(bare)
            assert asked[-1] is bare
    finally:
        delattr(thread, SCRIPT_RUN_CONTEXT_ATTR_NAME)
    quick_yield(asked.append)(runner)  # no run at all
    assert asked[-1] is runner


def test_a_run_of_this_release_has_what_the_shortcut_looks_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Texts are drawn without a look at locks; a run that stops itself stops."""
    asked: list[Any] = []
    name = "_maybe_handle_execution_control_request"
    plain = _plain(getattr(ScriptRunner, name))

    def counted(runner: Any) -> None:
        asked.append(runner)
        plain(runner)

    monkeypatch.setattr(ScriptRunner, name, quick_yield(counted))
    script = "import streamlit as st\nfor n in range(20): st.text(n)\nst.stop()\nst.text('b')"
    at = AppTest.from_string(script, default_timeout=60).run()
    assert [text.value for text in at.text] == [str(n) for n in range(20)]
    assert len(asked) < 5
