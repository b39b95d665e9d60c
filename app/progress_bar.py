"""A bar on the terminal for commands whose work tells how far it has come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.service import progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class _Bar:
    """A bar that is drawn from the first word on: commands that tell nothing show nothing."""

    def __init__(self, console: Console, name: str) -> None:
        self._console, self._name = console, name
        self._drawn: tuple[Progress, TaskID] | None = None

    def tell(self, text: str, percent: float) -> None:
        """Draw how far the work has come, in words and percent."""
        bar, task = self._drawn = self._drawn or self._begun()
        bar.update(task, completed=percent, note=text)

    def end(self) -> None:
        """Leave the last state standing."""
        if self._drawn:
            self._drawn[0].stop()

    def _begun(self) -> tuple[Progress, TaskID]:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        note = TextColumn("{task.fields[note]}", markup=False)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            note,
            TimeElapsedColumn(),
        )
        bar = Bars(*columns, console=self._console)
        bar.start()
        return bar, bar.add_task(self._name, total=100, note="")


@contextmanager
def drawn(console: Console, name: str) -> Iterator[None]:
    """Show the progress of what is done inside, where `console` is a terminal."""
    if not console.is_terminal:
        yield
        return
    bar = _Bar(console, name)
    try:
        with progress.told_to(bar.tell):
            yield
    finally:
        bar.end()
