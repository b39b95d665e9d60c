"""A widget reads its own value, and a session's calls of the loop are made together."""

from __future__ import annotations

import asyncio
import importlib
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import streamlit_patches
from app.quick_runs import ElementIds, StateByKey, calls_together


def _stateful() -> None:
    import streamlit as st

    st.session_state["gone"] = None
    st.session_state.setdefault("word", "kept")
    st.text_input("word", key="word")
    st.text_input("none", "a", key="none")
    st.text_input("no key")
    st.date_input("day", value=None, key="day")
    st.number_input("n", value=None, key="n")
    st.selectbox("s", ["a", "b"], key="s")


def test_a_widget_reads_its_own_value_as_from_a_copy_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every key of the session, before and after; what is Streamlit's own is not there."""
    seen: list[tuple[set[str], dict[str, Any]]] = []
    place = importlib.import_module(streamlit_patches.STATES[0][0])
    plain = getattr(place.get_session_state, "plain", place.get_session_state)

    def find() -> Any:
        state = plain()
        copied, by_key = state.filtered_state, StateByKey(state).filtered_state
        keys = {*state._state._keys(), *copied, "absent", "word", "none"}
        assert {key for key in keys if key in by_key} == set(copied)
        assert {key: by_key[key] for key in copied} == copied
        with pytest.raises(KeyError):
            by_key["absent"]
        seen.append((keys, copied))
        return StateByKey(state)

    monkeypatch.setattr(place, "get_session_state", find)
    at = AppTest.from_function(_stateful, default_timeout=60).run()
    at.text_input(key="none").set_value("b").run()
    assert not at.exception
    assert at.text_input(key="none").value == "b"
    assert seen[-1][1]["none"] == "b"
    assert len(seen[-1][0]) > len(seen[-1][1]) + 1


def test_calls_of_a_session_are_made_in_one_turn_and_in_order() -> None:
    """From many threads none is lost, and one that fails takes no other with it."""

    async def run() -> tuple[list[tuple[int, int]], int, list[Any]]:
        loop, made, failed, turns = asyncio.get_running_loop(), [], [], []
        loop.set_exception_handler(lambda _, context: failed.append(context["exception"]))
        session = SimpleNamespace()

        def plain(_: Any, call: Any) -> None:
            turns.append(call)
            loop.call_soon_threadsafe(call)

        soon = calls_together(plain)

        def publish(thread: int) -> None:
            for number in range(500):
                soon(session, lambda n=number: made.append((thread, n)))

        soon(session, lambda: 1 / 0)
        threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        await asyncio.sleep(0)
        return made, len(turns), failed

    made, turns, failed = asyncio.run(run())
    for thread in range(4):
        assert [n for t, n in made if t == thread] == list(range(500))
    assert turns < 2001
    assert [type(error) for error in failed] == [ZeroDivisionError]


def test_calls_that_wait_share_a_turn() -> None:
    """One wake-up for a run; the next run asks for its own."""
    asked: list[Any] = []
    session, made = SimpleNamespace(), []
    soon = calls_together(lambda _, call: asked.append(call))
    for number in range(30):
        soon(session, lambda n=number: made.append(n))
    assert len(asked) == 1
    asked.pop()()
    assert made == list(range(30))
    soon(session, lambda: made.append(30))
    assert len(asked) == 1


def test_ids_are_those_of_streamlit_and_made_once() -> None:
    """Equal numbers of another kind are other arguments; lists are asked of Streamlit each time."""
    module = importlib.import_module(streamlit_patches.IDS[0])
    plain = getattr(module._compute_element_id, "plain", module._compute_element_id)
    asked: list[Any] = []

    def counts(*args: Any, **kwargs: Any) -> str:
        asked.append(kwargs)
        return str(plain(*args, **kwargs))

    known = ElementIds(counts)
    calls = [
        (("button", "k"), {"label": "a", "n": 1}),
        (("button", "k"), {"label": "a", "n": True}),
        (("button", "k"), {"label": "a", "n": 1.0}),
        (("button", None), {"label": "a", "n": 1}),
        (("button",), {"n": 1, "label": "a"}),
        (("button",), {"options": ["a"]}),
    ]
    want = [plain(*args, **kwargs) for args, kwargs in calls]
    for _ in range(2):
        assert [known(*args, **kwargs) for args, kwargs in calls] == want
    assert len(asked) == len(calls) + 1
    assert len(set(want)) == len(calls)
