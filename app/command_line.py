"""The command line of Openbell: its commands, and what ends one of them.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with errors found.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from app import command_help, commands
from app import run as runner
from core import __version__ as VERSION  # noqa: N812 - a constant here
from core.errors import UsageError
from core.service.kernel.results import FAILED


class Commands(TyperGroup):
    """The commands; what is wrong with a command line is told in JSON too where that is asked.

    `begins` is called before one is run: until then nothing has been done.
    """

    begins: ClassVar[Callable[[], object]] = staticmethod(lambda: None)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the line names."""
        try:
            Commands.begins()
            return super().invoke(ctx)
        except TyperException as error:
            runner.tell(UsageError(error.format_message()))
            raise
        except KeyboardInterrupt:
            runner.err.print(runner.CALLED_OFF)
            raise typer.Exit(FAILED) from None

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the day."""
        return command_help.order(super().list_commands(ctx))


PROGRAM = "openbell"  # as an installed package; a shell can complete this name only


cli = typer.Typer(
    name="openbell",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=Path(sys.argv[0]).name == PROGRAM,
    context_settings=command_help.HELP,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"openbell {VERSION}")
        raise typer.Exit


@cli.callback()
def start(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="The version, and exit."),
    ] = False,
) -> None:
    """Openbell: the analyst's desk before the opening bell."""


@cache
def _register(area: str) -> None:
    importlib.import_module(f"app.commands.{area}").register(cli)
    command_help.explain(cli)


def register_all() -> typer.Typer:
    """The command line with the commands of every module in app/commands."""
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        _register(module.name)
    return cli


def register_for(words: Sequence[str]) -> typer.Typer:
    """The command line with what these words ask for: all other commands cost time to build.

    Words that do not begin with a command get all of them, for the help or a hint.
    """
    first = words[0] if words else ""
    if first == "--version":
        return cli
    area = command_help.area_of(first)
    if area is None:
        return register_all()
    _register(area)
    return cli


def run(begins: Callable[[], object]) -> None:
    """Run the command that the process was started for; `begins` is called just before."""
    Commands.begins = staticmethod(begins)
    installed = Path(sys.argv[0]).name == PROGRAM
    register_for(sys.argv[1:])(prog_name=PROGRAM if installed else "python -m app")
