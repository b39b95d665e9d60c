"""The server of a desk: its listener, its signals, and what it says when it starts."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from app import gate
from app import run as runner
from core import addresses, settings
from core.errors import UsageError
from core.observe import logs
from core.service import current
from core.service.care import places
from core.service.desk import Desk

if TYPE_CHECKING:
    import uvicorn

    from app.asgi import DeskApp

_NARROW = (
    "Put a proxy with TLS in front, or set OPENBELL_HOST=127.0.0.1: tokens can be read on the way."
)


def run_desk(chosen: settings.Settings, on_open: Sequence[Callable[[Desk], None]] = ()) -> None:
    """Serve the desk on a port of this machine until it is told to stop.

    `on_open` is called with the open desk before its engine starts. OwnershipError when another
    process has its data folder, UsageError when the port is taken, SettingsError when others would
    reach a desk that asks nobody who they are.
    """
    settings.must_be_guarded(chosen)
    places.must_be_known(chosen)
    listener = _listener(chosen)
    chosen = chosen.model_copy(update={"port": int(listener.getsockname()[1])})
    logs.configure(chosen.log_format, chosen.log_level, chosen.log_output)
    with listener:
        # before anything is said to listen; an engine opens it when it leads
        desk = runner.open_patiently(chosen) if chosen.role != "engine" else None
        from app import asgi

        app = asgi.create(chosen, on_open, desk=desk)
        server = _server(app, chosen)
        for name in (signal.SIGTERM, signal.SIGINT):
            # before uvicorn listens to signals, and when it hands one on after it has shut down
            signal.signal(name, lambda *_: setattr(server, "should_exit", True))
        try:
            server.run(sockets=[listener])
        except SystemExit:  # uvicorn's word for a lifespan that did not start
            if app.error:
                raise app.error from None
            raise typer.Exit(1) from None


def _server(app: DeskApp, chosen: settings.Settings) -> uvicorn.Server:
    import uvicorn

    from app.outgoing import Frames
    from app.senders import HEAD_BYTES, Protocol

    class Server(uvicorn.Server):
        """Says where it listens once it does, and waits for no query or pull at the end."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            runner.err.print(
                f"Openbell listens on http://{_shown(chosen.host)}:{chosen.port}", markup=False
            )
            if not addresses.is_loopback(chosen.host):
                runner.err.print(f"\nWARNING: {gate.EXPOSED}.\n{_NARROW}\n", style="bold red")

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            if current.is_open():
                current.desk().call_off()
            await super().shutdown(sockets)

    return Server(
        uvicorn.Config(
            app,
            loop="app.loop:fresh",
            http=Protocol,
            ws=Frames,
            h11_max_incomplete_event_size=HEAD_BYTES,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom to believe is decided at the doors
            timeout_graceful_shutdown=5,
            ws_max_size=64 * 1024**2,
        )
    )


def _listener(chosen: settings.Settings) -> socket.socket:
    try:
        return _listen(chosen.host, chosen.port)
    except UsageError:
        if chosen.role != "engine":
            runner.open_patiently(chosen).close()  # a desk that has the folder is the better reason
        raise


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Without this every page rerun waits 40 ms for the other side's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} of {host} cannot be used: {error.strerror}",
            hint="choose another with --port, or stop what listens there",
        ) from None
    return listener


def _shown(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - only compared
