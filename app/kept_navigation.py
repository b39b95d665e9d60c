"""The navigation of the desk, told to Streamlit once.

`st.navigation` makes the same two dozen pages into the same message at every run of every page, a
tenth of what a small page costs. Its answer depends on two things alone: the pages, which are those
of the process, and the one of them that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import (
    ScriptRunContext,
    get_script_run_ctx,
)

Pages = Mapping[str, Sequence[st.Page]]


@dataclass(frozen=True, slots=True)
class ToldPages:
    """What `st.navigation` has made of these pages: its message, and what it told of each page."""

    pages: Pages
    message: ForwardMsg
    infos: dict[str, Any]
    by_hash: dict[str, st.Page]
    landing: str


class KeptNavigation:
    """Navigates as `plain` does, which is asked once per set of pages.

    `keeps` is set where Streamlit has the names that this rests on; until then `plain` is asked at
    every run. The pages are shared by all runs, so each gets copies: a run marks its page.
    """

    def __init__(self, plain: Callable[[Pages], st.Page]) -> None:
        self.plain = plain
        self.keeps = False
        self._told: ToldPages | None = None

    def __call__(self, pages: Pages) -> st.Page:
        """The page to run, with the navigation on its way to the browser."""
        ctx = get_script_run_ctx(suppress_warning=True)
        if ctx is None or not self.keeps:
            return self._anew(pages)
        told = self._told
        if told is None or told.pages is not pages:
            return self._first(ctx, pages)
        found = ctx.pages_manager.set_pages_and_resolve(told.infos, told.landing)
        page = told.by_hash.get(found["page_script_hash"]) if found else None
        if page is None:  # Streamlit says that there is no such page
            return self._anew(pages)
        return _go(ctx, told, page)

    def _anew(self, pages: Pages) -> st.Page:
        return self.plain({name: [_twin(page) for page in group] for name, group in pages.items()})

    def _first(self, ctx: ScriptRunContext, pages: Pages) -> st.Page:
        """Let Streamlit do it, and listen to what it sends."""
        heard: list[ForwardMsg] = []
        enqueue = ctx._enqueue

        def listen(message: ForwardMsg) -> None:
            heard.append(message)
            enqueue(message)

        ctx._enqueue = listen
        try:
            chosen = self._anew(pages)
        finally:
            ctx._enqueue = enqueue
        if [message.WhichOneof("type") for message in heard] == ["navigation"]:
            self._told = _heard(ctx, pages, heard[0])
        return chosen


def _heard(ctx: ScriptRunContext, pages: Pages, sent: ForwardMsg) -> ToldPages:
    message = ForwardMsg()
    message.navigation.CopyFrom(sent.navigation)
    message.navigation.ClearField("page_script_hash")
    each = [page for group in pages.values() for page in group]
    landing = next(page for page in each if page._default)
    by_hash = {page._script_hash: page for page in each}
    return ToldPages(pages, message, ctx.pages_manager.get_pages(), by_hash, landing._script_hash)


def _go(ctx: ScriptRunContext, told: ToldPages, page: st.Page) -> st.Page:
    """What Streamlit does with a page that it has found."""
    chosen = _twin(page)
    chosen._can_be_called = True
    message = ForwardMsg()
    message.CopyFrom(told.message)
    message.navigation.page_script_hash = page._script_hash
    ctx.set_mpa_v2_page(page._script_hash)
    ctx.enqueue(message)
    return chosen


def _twin(page: st.Page) -> st.Page:
    """What `copy.copy` makes, in a seventh of the time."""
    made = object.__new__(type(page))
    vars(made).update(vars(page))
    return made


navigate = KeptNavigation(lambda pages: st.navigation(pages, position="top"))
