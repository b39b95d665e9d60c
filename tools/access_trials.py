"""What was tried of who may do what: one try, and all of them as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from core.domain.access.principals import ORDER

COLUMNS = ("nobody", *ORDER, "revoked")
STRANGERS = ("nobody", "revoked")


@dataclass(frozen=True, slots=True)
class Trial:
    """One try: what, by which way, as whom; whether it should be let in, and whether it was."""

    kind: str
    name: str
    way: str
    column: str
    expected: bool
    found: bool

    @property
    def verdict(self) -> str:
        """right, hole (let in wrongly) or wrong refusal."""
        if self.expected == self.found:
            return "right"
        return "hole" if self.found else "wrong refusal"


def shown(trials: list[Trial], out: Console) -> None:
    """The trials as a table: + let in, - refused, and what is wrong in words."""
    table = Table("Kind", "What", "Way", *COLUMNS, "Verdict")
    rows: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        rows.setdefault((trial.kind, trial.name, trial.way), []).append(trial)
    for (kind, name, way), found in rows.items():
        cells = {trial.column: "+" if trial.found else "-" for trial in found}
        wrong = sorted({trial.verdict for trial in found} - {"right"})
        told = ", ".join(wrong) or "right"
        table.add_row(kind, name, way, *(cells.get(c, "") for c in COLUMNS), told)
    out.print(table)
    counts = Counter(trial.verdict for trial in trials)
    out.print(
        f"{len(trials)} trials: {counts['hole']} holes, {counts['wrong refusal']} wrong refusals"
    )
