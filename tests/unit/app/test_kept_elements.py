"""What is kept of an element goes out as Streamlit would have made it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import plotly.graph_objects as go
import pytest
import streamlit as st
from streamlit import config
from streamlit.delta_generator import DeltaGenerator
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest

from app import streamlit_patches
from app.kept_elements import UNKNOWN, KeptElements, atom, keeping, known_figure, put_in_place
from components.kit import theme, zoom

COMMANDS = streamlit_patches.KEPT_COMMANDS
DETAILS = "client.showErrorDetails"
FIGURE = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]), layout={"height": 150, "title": "a" * 20_000})


@pytest.fixture
def plain() -> Iterator[dict[str, Any]]:
    """Streamlit's own commands, and what stands in their place put back at the end."""
    before = {name: (getattr(DeltaGenerator, name), getattr(st, name)) for name in COMMANDS}
    bare = {}
    for name, (method, _) in before.items():
        kept = getattr(method, "kept", None)
        bare[name] = kept.plain if kept else method
        put_in_place(st, name, bare[name])
    yield bare
    for name, (method, command) in before.items():
        setattr(DeltaGenerator, name, method)
        setattr(st, name, command)


def _page() -> None:
    import streamlit as st

    from components.kit import theme
    from tests.unit.app.test_kept_elements import FIGURE

    runs = st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.markdown("# Title", help="a tip")
    st.markdown("wide", width="stretch")
    st.markdown("wide", True)
    st.caption("small")
    st.html("<b>list</b>")
    st.html("<style>b {color: red}</style>")
    with st.container(border=True, key="box"):
        st.markdown("within")
        st.markdown(f"run {runs}")
        with st.container(horizontal=True, gap="small"):
            st.markdown("deep")
    later = st.container()
    left, right = st.columns(2)
    left.markdown("left")
    with right:
        theme.show(FIGURE, alt="a line", key="line")
        st.plotly_chart({"data": [{"y": [1, 2]}]}, key="other")
    with st.form("decide"), st.container(horizontal=True):
        st.text_input("Reason")
        st.markdown("in the form")
        theme.show(FIGURE, alt="a line", key="in the form")
        st.form_submit_button("Go")

    @st.fragment
    def part() -> None:
        st.markdown("within")
        with st.container():
            st.button("press")

    part()
    st.sidebar.markdown("within")
    later.markdown("placed later").caption("and replaced")
    later.container(height=100).markdown("end")
    if runs == 3:
        with st.container(key="box"):
            st.markdown("never")


def _sent(monkeypatch: pytest.MonkeyPatch, page: Callable[[], None], runs: int) -> list[ForwardMsg]:
    """The drawings of so many runs of a page, with where they stand."""
    sent: list[ForwardMsg] = []
    enqueue = ForwardMsgQueue.enqueue

    def listen(queue: ForwardMsgQueue, message: ForwardMsg) -> None:
        if message.WhichOneof("type") == "delta":
            sent.append(ForwardMsg.FromString(message.SerializeToString()))
        enqueue(queue, message)

    told = config.get_option(DETAILS)
    config.set_option(DETAILS, "full")  # whatever a test before this one set
    with monkeypatch.context() as patched:
        patched.setattr(ForwardMsgQueue, "enqueue", listen)
        at = AppTest.from_function(page, default_timeout=60)
        for _ in range(runs):
            at.run()
    config.set_option(DETAILS, told)
    return sent


def _keep(plain: dict[str, Any]) -> dict[str, KeptElements]:
    kept = {
        name: KeptElements(method, known_figure if name == "plotly_chart" else atom)
        for name, method in plain.items()
    }
    for name, elements in kept.items():
        put_in_place(st, name, keeping(elements))
    return kept


def _same(message: ForwardMsg) -> bytes:
    """A message without what is made anew for every session."""
    copied = ForwardMsg()
    copied.CopyFrom(message)
    if copied.delta.fragment_id:
        copied.delta.fragment_id, copied.hash = "some", ""
    copied.delta.new_element.exception.ClearField("stack_trace")
    if copied.delta.new_element.WhichOneof("type") == "exception":
        copied.hash = ""
    return bytes(copied.SerializeToString(deterministic=True))


def test_three_runs_send_what_streamlit_sends(
    plain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places, names, ids, forms, fragments, columns, a container written to later, a key twice."""
    before = _sent(monkeypatch, _page, 3)
    kept = _keep(plain)
    after = _sent(monkeypatch, _page, 3)
    assert len(before) > 80
    assert [_same(m) for m in after] == [_same(m) for m in before]
    assert "box" in str(before[-1].delta.new_element.exception.message)
    assert {name for name, elements in kept.items() if elements._kept} == set(COMMANDS)


def test_a_kept_element_is_not_made_again(plain: dict[str, Any]) -> None:
    """A second session of the page asks Streamlit only for what is new to it or unusual."""
    asked: list[str] = []

    def counts(name: str) -> Callable[..., Any]:
        def method(place: DeltaGenerator, *args: Any, **kwargs: Any) -> Any:
            asked.append(f"{name} {args[:1]}")
            return plain[name](place, *args, **kwargs)

        return method

    _keep({name: counts(name) for name in plain})
    AppTest.from_function(_page, default_timeout=60).run()
    first = len(asked)
    asked.clear()
    at = AppTest.from_function(_page, default_timeout=60).run()
    assert not at.exception
    assert sorted(asked) == [
        "html ('<style>b {color: red}</style>',)",  # stands elsewhere
        "plotly_chart ({'data': [{'y': [1, 2]}]},)",
    ]
    assert first > len(asked) + 12


def test_a_chart_that_is_chosen_from_answers_each_run(plain: dict[str, Any]) -> None:
    """With what was chosen; its message is not all that it is."""

    def page() -> None:
        import streamlit as st

        from components.kit import theme
        from tests.unit.app.test_kept_elements import FIGURE

        chosen = theme.show(FIGURE, alt="a line", key="line", on_select="rerun")
        assert chosen.selection.points == []
        st.markdown("drawn")

    kept = _keep(plain)
    at = AppTest.from_function(page, default_timeout=60).run().run()
    assert not at.exception
    assert not kept["plotly_chart"]._kept


def test_no_more_is_kept_than_there_is_room_for(plain: dict[str, Any]) -> None:
    """The oldest goes first; what is drawn again is the newest."""

    def page() -> None:
        import streamlit as st

        for word in ("a", "b", "a", "c", "d"):
            st.markdown(word * 300)

    elements = KeptElements(plain["markdown"], most=1200)
    put_in_place(st, "markdown", keeping(elements))
    AppTest.from_function(page, default_timeout=60).run()
    kept = [made.message.delta.new_element.markdown.body[0] for made, _ in elements._kept.values()]
    assert kept == ["a", "c", "d"]
    assert elements._left == 1200 - sum(size for _, size in elements._kept.values()) >= 0


def test_only_shared_figures_are_known() -> None:
    """One that may still change is drawn by Streamlit."""
    shared = theme.written(FIGURE)
    assert known_figure(shared) == id(shared)
    assert known_figure(theme.TOOLBAR) == id(theme.TOOLBAR)
    assert known_figure("stretch") == "stretch"
    for other in (FIGURE, {"a": 1}, [1], shared.zoomed(zoom.Zoom((0, 1), (0, 1)))):
        assert known_figure(other) is UNKNOWN
