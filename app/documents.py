"""Writes the generated documents: docs/settings.md, datasets.md, commands.md, rules.md, events.md.

`make docs` runs it; a test fails when a document is not what this would write.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.command_help import EXAMPLES
from app.command_line import register_all
from core.catalogue import Catalogue
from core.domain.quality.model import default_ruleset
from core.domain.quality.revision import model as revision
from core.domain.quality.revision.features import FEATURES
from core.domain.tables.datasets import Dataset
from core.observe import events, metrics
from core.places import ROOT
from core.settings import PREFIX, Settings

DOCS = ROOT / "docs"
CATALOGUE = ROOT / "data" / "catalogue.toml"


def metrics_document() -> str:
    """Every metric with its kind, labels and meaning."""
    lines = [
        "# Metrics",
        "",
        "`/metrics` and `/api/metrics` answer in the Prometheus text format, on a shared desk to",
        "viewers. Units are in the names; labels are bounded: names of datasets, handlers,",
        "commands, hosts and routes of this desk, and words. `deploy/` has rules and a dashboard.",
        "",
        "| metric | kind | labels | what it is |",
        "|---|---|---|---|",
    ]
    for metric in sorted(metrics.registered(), key=lambda metric: metric.name):
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text} |")
    return "\n".join(lines) + "\n"


def settings_document() -> str:
    """Every setting with its default and meaning, by room."""
    lines = [
        "# Settings",
        "",
        "First wins: environment, `.env` in the working folder, secret files",
        "`/run/secrets/openbell_NAME`, the default. An unknown or malformed setting stops the",
        "start with one sentence that names it.",
    ]
    for section in reversed(Settings.__mro__):
        fields = [n for n in getattr(section, "__annotations__", {}) if n in Settings.model_fields]
        if not fields or section is Settings:
            continue
        lines += ["", f"## {(section.__doc__ or '').strip().rstrip('.')}", ""]
        lines += ["| setting | type | default | what it is |", "|---|---|---|---|"]
        lines += [_setting(name, Settings.model_fields[name]) for name in fields]
    return "\n".join(lines) + "\n"


def _setting(name: str, info: FieldInfo) -> str:
    default = info.default_factory() if info.default_factory else info.default  # type: ignore[call-arg]
    shown = "" if default in (None, "", PydanticUndefined) else _default(default)
    kind = _type(info.annotation)
    return f"| `{PREFIX}{name.upper()}` | {kind} | {shown} | {info.description or ''} |"


def _default(value: object) -> str:
    text = str(value).replace(str(ROOT) + "/", "")
    return f"`{text}`"


def _type(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f"`{word}`" for word in typing.get_args(annotation))
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [a for a in typing.get_args(annotation) if a is not type(None)]
        return " or ".join(_type(kind) for kind in kinds)
    name: str = getattr(annotation, "__name__", str(annotation))
    return {"SecretStr": "secret", "str": "text", "Path": "path"}.get(name, name)


def datasets_document() -> str:
    """Every dataset of the shipped catalogue."""
    lines = [
        "# Datasets",
        "",
        "The catalogue is `data/catalogue.toml` (another: `OPENBELL_CATALOGUE`). A mistake in it",
        "is reported with file, line, dataset and key; the other datasets still run.",
    ]
    for dataset in Catalogue.load(CATALOGUE).datasets.values():
        lines += ["", f"## {dataset.name}", "", *_dataset(dataset)]
    return "\n".join(lines) + "\n"


def _dataset(dataset: Dataset) -> Iterator[str]:
    yield f"{dataset.description}."
    yield ""
    upstream = f", there called *{dataset.upstream}*" if dataset.upstream != dataset.name else ""
    yield f"- Source: {dataset.source}{upstream}"
    yield f"- Table `{dataset.table}`, key {', '.join(f'`{column}`' for column in dataset.key)}"
    columns = ", ".join(f"`{name}` {kind}" for name, kind in dataset.schema.items())
    yield f"- Columns: {columns}"
    for rule in dataset.schedule:
        words = ", ".join(f"{key} {value}" for key, value in rule.items())
        yield f"- Due: {words}, plus {dataset.buffer_minutes:g} minutes"
    yield f"- Catch-up: {dataset.catch_up}" + ("" if dataset.enabled else "; **off** by default")


def commands_document() -> str:
    """Every command with its help, arguments and options."""
    root = typer.main.get_command(register_all())
    lines = [
        "# Commands",
        "",
        "`python -m app COMMAND`. Most take `--json`: one JSON document on stdout, logs on stderr.",
        "Exit codes: 0 done, 1 failed, 2 wrong use, 3 done with errors found. `-h` explains each,",
        "`--version` tells the version. As an installed package the program is called `openbell`,",
        "and `openbell --install-completion` teaches the shell to complete it. In a folder that",
        "`make` set up, `python` is `.venv/bin/python`, or any after `source .venv/bin/activate`.",
    ]
    for path, command in _walk("", root):
        lines += ["", f"## {path}", "", (command.help or "").strip(), ""]
        lines += [_parameter(p) for p in command.params if not getattr(p, "hidden", False)]
        lines += ["", f"    python -m app {EXAMPLES[path]}"]
    return "\n".join(lines).rstrip() + "\n"


def _walk(prefix: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        path = f"{prefix} {name}".strip()
        if path in EXAMPLES:
            yield path, inner
        yield from _walk(path, inner)


def _parameter(parameter: Any) -> str:
    words = getattr(parameter, "opts", [parameter.name])
    shown = words[0] if words[0].startswith("-") else str(parameter.name).upper()
    kind = "" if getattr(parameter, "is_flag", False) else f" ({_kind(parameter)})"
    return f"- `{shown}`{kind}: {getattr(parameter, 'help', '') or ''}"


KINDS = {int: "whole number", float: "number", Path: "path", datetime: "date"}


def _kind(parameter: Any) -> str:
    """Type, whether it is needed, how often, and its default."""
    words = [KINDS.get(parameter.type_descriptor.annotation, "text")]
    if parameter.multiple or parameter.nargs == -1:
        words.append("repeatable")
    if parameter.required:
        words.append("needed")
    elif parameter.default not in (None, "") and not callable(parameter.default):
        words.append(f"default {parameter.default}")
    return ", ".join(words)


LETTERS = (
    "What a letter promises, beside the score:",
    "",
    "- **A**: nothing was found that could change a headline figure (revenue, net income, earnings",
    "  per share, operating cash flow, assets, equity, cash, shares).",
    "- **B**: minor oddities, or a headline figure that the company always gave is missing.",
    "- **C**: a headline figure is doubtful: one rule that weighs (major, critical) fails on it,",
    "  and no other equation holds with it. The score is 79 at most.",
    "- **D**: a headline figure is wrong: a second rule contradicts it, or one critical rule",
    "  fails. The score is 69 at most.",
    "- **F**: two critical rules fail, or the scale of the whole. The score is 49 at most.",
)


STATUS = """\
## Status beside the grade

What became of a filing, as known on a day. Figures are compared as they were first told: a
change is more than half a percent and more than what either value is rounded to (its trailing
zeros tell, and those of its filing's larger amounts), and no split of shares.

| status | when | shown |
|---|---|---|
| as filed | nothing came after it | |
| restated later | a later filing tells a headline, or 5 % of its amounts, otherwise | old and new |
| amended | a /A of its form and period carries figures (ten or more) | old and new |
| superseded | a /A with figures that a later /A replaces | by which |
| withdrawn | its company said so in an 8-K under item 4.02 | notice, and how it was inferred |

Headlines are revenue, net income, EPS, operating cash flow, assets, equity, cash, weighted and
cover shares. The graver status stands; a value told as before again ends a restatement. Total
equity stands for the parent's where only the total of that day is told later; not where the later
report tells the parent's as before (others' share moved alone), tells the parent's under the name
of the total, turns the sign, or tells the same total of another day.

A report marked XBRL without facts is graded NR, and has a status by forms, days and notices as
others do.

The facts do not say which reports a notice means. They are inferred, in this order: reports
filed before it whose figures their /A (filed up to five days before and two years after the
notice) tells otherwise, and those whose headlines such a /A changes; else reports whose
headlines the next reports change, up to and with the next annual one; else, and until 100 days
after any of these, all since the last audited year, that year's report included. A notice is the
first 8-K of its matter: an 8-K/A within a year goes on with it.

A withdrawn report is D at most (score 69), from the day of the notice on, and falls under the
grade rule of plans. `status` and `status_reason` stand in the JSON of `grade`, `scan` and
`plan`, `status` in the CSV of filings, candidates and plans.
"""


REVISION = """\
## Revision risk beside the grade

A probability that later reports tell at least 5 % of the amounts (of 20 or more, in any
currency) that a report was first to tell with other values: by more than half a percent, and
more than what values and filings are rounded to. Recasts for new standards and for parts that
are sold are part of it. It rests on what was known on the day of the report, and is no part of
the grade: no letter moves for it. It is reckoned for periodic reports that are graded, and stands
with its three strongest reasons on *Filing* and in the JSON of `grade` (`revision_risk`,
`revision_reasons`), and as `revision_risk` (0 to 1) at the end of the CSV of filings.

A logistic model; `python -m benchmarks.revision_risk` measures it on companies and years that it
was not trained on, and `--write` makes its numbers. Weight by weight, with what is usual:
"""


def _revision() -> list[str]:
    model = revision.default_model()
    rows = zip(FEATURES, model.weights, model.usual, strict=True)
    table = [f"| {name} | {w:.3f} | {u:.3f} | {model.words[name][0]} |" for name, w, u in rows]
    head = ["| feature | weight | usual | said where it raises the risk |", "|---|---|---|---|"]
    level = f"| (level) | {model.intercept:.3f} | | |"
    return ["", *REVISION.splitlines(), "", *head, level, *table]


def rules_document() -> str:
    """Every rule of the filing grade."""
    rules = default_ruleset()
    lines = [
        "# Rules of the filing grade",
        "",
        f"Rule set `{rules.version}`; a grade names it with a digest of these rules and of what",
        "judges by them. A filing's score is the weight of the rules it passes in the",
        "weight of those that can be evaluated: critical 10, major 5, minor 2, info 0. Below half",
        "of the expected weight a filing is not rated.",
        "",
        *LETTERS,
        "",
        "Related public rules are named, not copied; no certification is claimed.",
    ]
    lines += ["", *STATUS.splitlines(), *_revision()]
    for rule in rules.rules.values():
        lines += ["", f"## {rule.id} {rule.title}", "", f"- Severity: {rule.severity}"]
        lines += [f"- Checks: {rule.formula}"] if rule.formula else []
        lines += [f"- Tolerance: {rule.tolerance}"] if rule.tolerance else []
        lines += [f"- Caps the score at {rule.cap:g}"] if rule.cap < 100 else []
        lines += [f"- Where it fires on more than 1 % of reports: {rule.note}"] if rule.note else []
        lines += [f"- Related: {', '.join(rule.related)}"] if rule.related else []
    return "\n".join(lines) + "\n"


def events_document() -> str:
    """Every kind of event with its severity and meaning."""
    lines = [
        "# Events",
        "",
        "Every important change is an event, stored in the transaction that makes it: the page",
        "*Activity*, toasts, `python -m app events`, `export events` and `GET /api/v1/events` read",
        "them from one table. An event has an id (ids grow in the order of commits), a time, a",
        "kind, a subject, a severity, who acted (`local`: whoever sits at this machine; `desk`:",
        "the desk by itself), a sentence, the correlation id of the log, and what was before and",
        "after. A trouble is told once by subject, however often it is found, and so is its end.",
        "",
        "`GET /api/v1/events` takes `kind` and `severity` (may be repeated; a kind may be a group,",
        "`pull`), `subject`, `actor`, `text`, `since`, `until`, `limit` and `cursor`, and answers",
        "newest first. With `Accept: text/event-stream` it is a stream of what happens from now",
        "on, or after `Last-Event-ID` (or `after`): a listener that comes back misses nothing.",
        "`OPENBELL_EVENTS_KEEP_DAYS` says how long events are kept.",
        "",
        "| kind | severity | says | trouble |",
        "|---|---|---|---|",
    ]
    for kind in events.KINDS.values():
        trouble = f"{kind.trouble} ({kind.phase})" if kind.trouble else ""
        lines.append(f"| `{kind.name}` | {kind.severity} | {kind.title} | {trouble} |")
    return "\n".join(lines) + "\n"


DOCUMENTS: dict[str, Callable[[], str]] = {
    "events.md": events_document,
    "metrics.md": metrics_document,
    "settings.md": settings_document,
    "datasets.md": datasets_document,
    "commands.md": commands_document,
    "rules.md": rules_document,
}


def main(folder: Path = DOCS) -> None:
    """Write all generated documents."""
    folder.mkdir(exist_ok=True)
    for name, make in DOCUMENTS.items():
        (folder / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
