"""`python -m app COMMAND`: the command line of Openbell.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with errors found.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from app import commands
from app import run as runner
from core.errors import UsageError


class Commands(TyperGroup):
    """The commands; what is wrong with a command line is told in JSON too where that is asked."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the line names."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            runner.tell(UsageError(error.format_message()))
            raise


cli = typer.Typer(
    name="openbell",
    cls=Commands,
    help="Openbell: the analyst's desk before the opening bell.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def register_all() -> typer.Typer:
    """The command line with the commands of every module in app/commands."""
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        importlib.import_module(f"app.commands.{module.name}").register(cli)
    return cli


def main() -> None:
    """Entry point."""
    register_all()(prog_name="python -m app")


if __name__ == "__main__":
    main()
