"""Commands that run things: serve, demo, sandbox."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import gate
from app import run as runner
from core import clock, settings
from core.errors import UsageError
from core.observe import logs
from core.service import current

if TYPE_CHECKING:
    import uvicorn

Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0: any free port.")]
Replay = Annotated[
    Path | None, typer.Option("--replay", help="Serve captured files instead of simulated ones.")
]
Seed = Annotated[int, typer.Option("--seed", help="Another seed, another market.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Let the clock run from that time on, as 2026-11-30T09:05 (New York, unless it "
        "names a zone), in a data folder of its own that begins empty.",
    ),
]
_NARROW = (
    "Only the network protects it. Unless a container or a proxy is in front, set "
    "OPENBELL_HOST=127.0.0.1."
)


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(serve)
    cli.command()(demo)
    cli.command()(sandbox)


def serve(port: Port = None) -> None:
    """The desk on the real upstreams: pages, API, scheduler and worker in one process."""
    with runner.reported():
        chosen = settings.load(**({} if port is None else {"port": port}))
        run_desk(chosen)


def demo(port: Port = None, seed: Seed = 7, replay: Replay = None, at: At = None) -> None:
    """Stand-in upstreams on loopback and the desk, filled by real pulls."""
    with runner.reported():
        from app import demonstration

        instant = None if at is None else clock.instant(at)
        demonstration.run(port=port, seed=seed, replay=_folder(replay), at=instant)


def sandbox(
    port: Port = 0,
    seed: Seed = 7,
    replay: Replay = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="A fault to play, repeatable.")
    ] = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Only the stand-in upstreams; prints their addresses as one JSON line."""
    with runner.reported():
        from app import upstreams

        upstreams.run(
            port=port or 0,
            seed=seed,
            replay=_folder(replay),
            faults=fault or [],
            with_parent=with_parent,
        )


def run_desk(chosen: settings.Settings) -> None:
    """Serve the desk on a port of this machine until it is told to stop.

    OwnershipError when another process has its data folder, UsageError when the port is taken.
    """
    listener = _listener(chosen)
    port = int(listener.getsockname()[1])
    os.environ["OPENBELL_HOST"], os.environ["OPENBELL_PORT"] = chosen.host, str(port)
    logs.configure(chosen.log_format, chosen.log_level)
    with listener:
        desk = runner.open_patiently(settings.load())  # before anything is said to listen
        server = _server(chosen.host, port)
        from app.asgi import handover

        handover.desk = desk
        for name in (signal.SIGTERM, signal.SIGINT):
            # uvicorn hands a signal on once it has shut down in order; that is the end of it then
            signal.signal(name, lambda *_: None)
        try:
            server.run(sockets=[listener])
        except SystemExit:  # uvicorn's word for a lifespan that did not start
            if handover.error:
                raise handover.error from None
            raise typer.Exit(1) from None


def _server(host: str, port: int) -> uvicorn.Server:
    import uvicorn

    from app.asgi import app
    from app.senders import HEAD_BYTES, Protocol

    class Server(uvicorn.Server):
        """Says where it listens once it does, and waits for no query or pull at the end."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            runner.err.print(f"Openbell listens on http://{_shown(host)}:{port}", markup=False)
            if not settings.is_loopback(host):
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
            h11_max_incomplete_event_size=HEAD_BYTES,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            ws_max_size=64 * 1024**2,
        )
    )


def _listener(chosen: settings.Settings) -> socket.socket:
    try:
        return _listen(chosen.host, chosen.port)
    except UsageError:
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


def _folder(path: Path | None) -> Path | None:
    if path is None:
        return None
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {path}")
    return folder
