"""Commands that run things: serve, demo, sandbox."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Annotated

import typer

from app import run as runner
from core import settings
from core.errors import UsageError

Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0: any free port.")]
Replay = Annotated[
    Path | None, typer.Option("--replay", help="Serve captured files instead of simulated ones.")
]
Seed = Annotated[int, typer.Option("--seed", help="Another seed, another market.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(serve)
    cli.command()(demo)
    cli.command()(sandbox)


def serve(port: Port = None) -> None:
    """The desk on the real upstreams: pages, API, scheduler and worker in one process."""
    with runner.reported():
        chosen = settings.load(**({} if port is None else {"port": port}))
        run_desk(chosen.host, chosen.port)


def demo(port: Port = None, seed: Seed = 7, replay: Replay = None) -> None:
    """Stand-in upstreams on loopback and the desk, filled by real pulls."""
    with runner.reported():
        from app import demonstration

        demonstration.run(port=port, seed=seed, replay=_folder(replay))


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


def run_desk(host: str, port: int) -> None:
    """Serve the desk on a port of this machine until it is told to stop."""
    import uvicorn

    listener = _listen(host, port)
    chosen = int(listener.getsockname()[1])
    os.environ["OPENBELL_HOST"], os.environ["OPENBELL_PORT"] = host, str(chosen)
    from app.asgi import app

    runner.err.print(f"Openbell listens on http://{_shown(host)}:{chosen}", markup=False)
    config = uvicorn.Config(
        app,
        loop="app.loop:QuietLoop",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        ws_max_size=64 * 1024**2,
    )
    server = uvicorn.Server(config)
    for name in (signal.SIGTERM, signal.SIGINT):
        # uvicorn hands a signal on once it has shut down in order; that is the end of it then
        signal.signal(name, lambda *_: None)
    server.run(sockets=[listener])
    if not server.started:
        raise typer.Exit(1)


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
