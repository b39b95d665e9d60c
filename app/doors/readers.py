"""Who reads a page: asked of the WebSocket that its run belongs to."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.doors.sockets import HANDLE, Sockets
from core.domain.access.principals import Principal
from core.service.kernel import access


class Readers:
    """Answers for runs of pages of one desk at a time; `install` makes the service ask it."""

    def __init__(self) -> None:
        self.sockets: Sockets | None = None

    def __call__(self) -> Principal | None:
        """Whose page runs in this thread; None when that is not known."""
        if self.sockets is None or get_script_run_ctx(suppress_warning=True) is None:
            return None
        handle = st.context.headers.get(HANDLE.decode())
        return self.sockets.owner(handle) if handle else None


READERS = Readers()


def install(sockets: Sockets) -> None:
    """Let the service ask who reads, from now on of these sockets."""
    READERS.sockets = sockets
    access.asked_of(READERS)
