"""Who reads a page: asked of the WebSocket that its run belongs to."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.session_manager import SessionClient

from app.doors.sockets import HANDLE, Sockets
from core.domain.access.principals import Principal
from core.service.kernel import access


class Readers:
    """Answers for runs of pages of one desk at a time; `install` makes the service ask it."""

    def __init__(self) -> None:
        self.sockets: Sockets | None = None
        # what a socket's headers say once: reading them costs more than all else of asking
        self._handles: WeakKeyDictionary[SessionClient, str] = WeakKeyDictionary()

    def __call__(self) -> Principal | None:
        """Whose page runs in this thread; None when that is not known."""
        ctx = get_script_run_ctx(suppress_warning=True)
        if self.sockets is None or ctx is None:
            return None
        client = get_instance().get_client(ctx.session_id)
        handle = "" if client is None else self._handle(client)
        return self.sockets.owner(handle) if handle else None

    def _handle(self, client: SessionClient) -> str:
        """What the doors call the socket of a browser; empty where it did not come by them."""
        found = self._handles.get(client)
        if found is None:
            found = st.context.headers.get(HANDLE.decode()) or ""
            self._handles[client] = found
        return found


READERS = Readers()


def install(sockets: Sockets) -> None:
    """Let the service ask who reads, from now on of these sockets."""
    READERS.sockets = sockets
    access.asked_of(READERS)
