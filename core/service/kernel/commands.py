"""The registry of commands: one function each, the same behind the command line and the API.

A command takes the desk and keyword arguments and returns a JSON-able document, or a
`CommandResult` when its exit code is not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.observe import traces, work
from core.service.kernel.port import DeskPort
from core.service.kernel.registry import Registry
from core.service.kernel.results import DONE, FAILED, FOUND_ERRORS, WRONG_USE, CommandResult

__all__ = ["DONE", "FAILED", "FOUND_ERRORS", "WRONG_USE", "CommandResult", "command", "run"]

command = Registry("command")


def run(desk: DeskPort, name: str, arguments: Mapping[str, Any]) -> CommandResult:
    """Validate the arguments and run a command; UsageError names what is wrong with them."""
    label = name if name in command.entries else "unknown"
    with traces.span(f"command {label}"), work.timed(work.COMMANDS, label):
        result = command.run(desk, name, arguments)
    return result if isinstance(result, CommandResult) else CommandResult(result)
