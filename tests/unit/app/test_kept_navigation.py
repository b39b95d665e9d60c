"""What a run is told of the pages is what Streamlit would tell it, made once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner_utils import script_run_context
from streamlit.runtime.scriptrunner_utils.script_run_context_attr import (
    SCRIPT_RUN_CONTEXT_ATTR_NAME,
)
from streamlit.runtime.state import SafeSessionState, SessionState

from app import navigation, streamlit_patches
from app.kept_navigation import KeptNavigation, navigate

ROUTES: dict[str, list[st.Page]] = {}  # pages are made whole within a run only
NAMES = ("", "symbol", "glossary", "symbol")


class Run:
    """A run of a page without a browser: what was sent, and which page it is on."""

    def __init__(self, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[ForwardMsg] = []
        self.manager = PagesManager(__file__)
        self.manager.set_script_intent("", asked)
        self.ctx = script_run_context.ScriptRunContext(
            session_id="s",
            _enqueue=self.sent.append,
            query_string="",
            session_state=SafeSessionState(SessionState(), lambda: None),
            uploaded_file_mgr=None,  # type: ignore[arg-type]
            main_script_path=__file__,
            user_info={},
            fragment_storage=None,  # type: ignore[arg-type]
            pages_manager=self.manager,
        )
        script_run_context.ThreadState.initialize(active_script_hash="main")
        monkeypatch.setattr(navigation, "_routes", ROUTES)
        self.enter = lambda: monkeypatch.setattr(
            threading.current_thread(), SCRIPT_RUN_CONTEXT_ATTR_NAME, self.ctx, raising=False
        )
        self.enter()

    def seen(self, page: st.Page) -> tuple[Any, ...]:
        """All that the run left behind."""
        told = [message.SerializeToString(deterministic=True) for message in self.sent]
        at = (page.title, page.url_path, page._can_be_called, self.ctx.page_script_hash)
        return (told, at, self.manager.get_pages())


def _plain(asked: list[int] | None = None) -> Any:
    def plain(pages: Any) -> st.Page:
        if asked is not None:
            asked.append(1)
        return st.navigation(pages, position="top")

    return plain


def test_every_page_is_told_as_by_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes, the page to run, and the pages of the session; Streamlit itself is asked once."""
    asked: list[int] = []
    kept, fresh = KeptNavigation(_plain(asked)), KeptNavigation(_plain())
    kept.keeps = True
    for name in NAMES:
        expected, run = Run(name, monkeypatch), Run(name, monkeypatch)
        expected.enter()
        wanted = expected.seen(fresh(navigation.routes()))
        run.enter()
        assert run.seen(kept(navigation.routes())) == wanted
    assert asked == [1]


def test_the_shared_pages_are_never_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs at once may both run their page."""
    kept = KeptNavigation(_plain())
    kept.keeps = True
    Run("", monkeypatch)
    first, second = kept(navigation.routes()), kept(navigation.routes())
    assert first is not second
    assert first._can_be_called
    assert second._can_be_called
    pages = [page for group in navigation.routes().values() for page in group]
    assert not any(page._can_be_called for page in pages)


def test_a_page_that_is_not_there_is_told_by_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old bookmark: *page not found*, and the landing page."""
    kept = KeptNavigation(_plain())
    kept.keeps = True
    Run("", monkeypatch)
    kept(navigation.routes())
    run = Run("no_such_page", monkeypatch)
    assert kept(navigation.routes()).title == "Overview"
    assert [m.WhichOneof("type") for m in run.sent] == ["page_not_found", "navigation"]


def test_other_pages_are_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of pages that it has not told before."""
    kept = KeptNavigation(_plain())
    kept.keeps = True
    Run("", monkeypatch)
    kept(navigation.routes())
    run = Run("", monkeypatch)
    only = {"": navigation.routes()[""][:1]}
    kept(only)
    assert len(run.sent[0].navigation.app_pages) == 1


@pytest.mark.parametrize("holder", ["PagesManager.set_pages_and_resolve"])
def test_a_release_without_the_names_is_asked_at_every_run(
    monkeypatch: pytest.MonkeyPatch, holder: str
) -> None:
    """The patch says so and leaves it."""
    monkeypatch.setattr(navigate, "keeps", False)
    monkeypatch.delattr(f"streamlit.runtime.pages_manager.{holder}")
    with pytest.raises(AttributeError):
        streamlit_patches.keep_navigation()
    assert not navigate.keeps
