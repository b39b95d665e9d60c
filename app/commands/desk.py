"""Commands that run things: serve, demo, sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import run as runner
from core.errors import UsageError

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


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(serve)
    cli.command()(demo)
    cli.command()(sandbox)


def serve(port: Port = None) -> None:
    """The desk on the real upstreams: pages, API, scheduler and worker in one process."""
    from app import server
    from core import settings

    with runner.reported():
        chosen = settings.load(**({} if port is None else {"port": port}))
        server.run_desk(chosen)


def demo(port: Port = None, seed: Seed = 7, replay: Replay = None, at: At = None) -> None:
    """Stand-in upstreams on loopback and the desk, filled by real pulls."""
    with runner.reported():
        from app import demonstration
        from core import clock

        instant = None if at is None else clock.instant(at)
        demonstration.run(port=port, seed=seed, replay=_folder(replay), at=instant)


def sandbox(
    port: Port = 0,
    seed: Seed = 7,
    replay: Replay = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help="A fault to play, repeatable; --list-faults names them."),
    ] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="The faults that can be played.")
    ] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Only the stand-in upstreams; prints their addresses as one JSON line."""
    with runner.reported():
        if list_faults:
            _print_faults()
            return
        from app import upstreams

        upstreams.run(
            port=port or 0,
            seed=seed,
            replay=_folder(replay),
            faults=fault or [],
            with_parent=with_parent,
        )


def _print_faults() -> None:
    from core.sandbox.foundry.fault_names import FOUNDRY
    from core.sandbox.sec.server import FAULTS as SEC

    for name, meaning in {**FOUNDRY, **SEC}.items():
        runner.out.print(f"{name:24} {meaning}", markup=False)


def _folder(path: Path | None) -> Path | None:
    if path is None:
        return None
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {path}")
    return folder
