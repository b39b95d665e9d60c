"""`python -m app COMMAND`: the command line of Openbell.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with errors found.
"""

from __future__ import annotations

import importlib
import pkgutil

import typer

from app import commands

cli = typer.Typer(
    name="openbell",
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
