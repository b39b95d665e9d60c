"""Commands about data: pull, import, backfill, status, export."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import interrupts
from app import run as runner
from app.options import STREAM, Json, of_filter, when
from core.errors import TransportError, UsageError
from core.observe.escaping import escape
from core.service.kernel.results import FAILED, LATER, NOBODY, CommandResult

POLL_SECONDS = 0.1
CALL_OFF_SECONDS = 15.0  # for running pulls to stop
GOOD = ("done", "unchanged", "partial")


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(pull)
    cli.command("import")(import_file)
    cli.command()(backfill)
    cli.command()(status)
    cli.command()(export)


def pull(
    datasets: Annotated[
        list[str] | None, typer.Argument(help="Datasets; none: what is due.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every enabled dataset.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Force a new pull at the source.")] = False,
    start: Annotated[str | None, typer.Option("--from", help="ISO instant; UTC if bare.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="ISO instant; UTC if bare.")] = None,
    json: Json = False,
) -> None:
    """Pull what is due, or the named datasets; waits and reports per dataset."""
    with runner.asked(engine=True) as call:
        jobs: list[str] = []
        try:
            with interrupts.held():  # else nobody would know what to call off
                asked = call.call(
                    "refresh",
                    datasets=datasets,
                    all=all_,
                    now=now,
                    start=_instant(start, "--from"),
                    end=_instant(end, "--to"),
                ).document
                jobs = [ticket["job_id"] for ticket in asked]
            _follow(call, jobs, quiet=json or not sys.stderr.isatty())
        except KeyboardInterrupt:
            _call_off(call, jobs, json=json)
        result = call.call("pulled", jobs=jobs)
        runner.show(result, json=json, render=_print_pulls)
    runner.leave(result)


def _call_off(call: runner.Caller, jobs: list[str], *, json: bool) -> NoReturn:
    """Call pulls off and say what was finished by then and what was not; leaves with 1."""
    interrupts.heard()
    call.call("cancel", jobs=jobs)
    deadline = time.monotonic() + CALL_OFF_SECONDS
    while time.monotonic() < deadline:
        if all(view["over"] for view in call.call("progress", jobs=jobs).document):
            break
        time.sleep(POLL_SECONDS)
    document = call.call("pulled", jobs=jobs).document
    if json:
        runner.show(CommandResult(document), json=True, render=_print_pulls)
    for line in called_off(document["pulls"]):
        runner.err.print(line, markup=False)
    raise typer.Exit(FAILED)


def called_off(pulls: Sequence[Mapping[str, Any]]) -> list[str]:
    """What became of pulls that were interrupted: finished, called off, failed."""
    finished = [f"{p['dataset']} ({p['state']})" for p in pulls if p["state"] in GOOD]
    failed = [p for p in pulls if p["state"] == "failed" and p["error"]]  # else it still stops
    stopped = [p for p in pulls if p["state"] not in GOOD and p not in failed]
    lines = [f"finished: {', '.join(finished) or 'nothing'}"]
    if stopped:
        names = ", ".join(p["dataset"] for p in stopped)
        lines.append(f"called off: {names}; a pull that is called off stores nothing by halves")
        lines += [escape(p["error"]) for p in stopped if p["error"]]
    return lines + [escape(f"failed: {p['error']}") for p in failed]


def _follow(call: runner.Caller, jobs: list[str], *, quiet: bool) -> None:
    columns = (
        TextColumn("{task.description:24}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=runner.err, disable=quiet) as bar:
        tasks: dict[str, TaskID] = {}
        while jobs:
            interrupts.check()
            views = call.call("progress", jobs=jobs).document
            for view in views:
                _draw(bar, tasks, view)
            if all(view["over"] for view in views):
                return
            if not all(view["over"] or view["worked_on"] for view in views):
                raise TransportError(NOBODY, hint=LATER)
            time.sleep(POLL_SECONDS)


def _draw(bar: Progress, tasks: dict[str, TaskID], view: dict[str, Any]) -> None:
    if view["job_id"] not in tasks:
        tasks[view["job_id"]] = bar.add_task(view["dataset"], total=None, note="")
    waiting = f"waiting, number {view['position']}" if view["state"] == "queued" else ""
    note = view["state"] if view["over"] else waiting or _going(view)
    bar.update(
        tasks[view["job_id"]],
        total=100 if view["percent"] is not None or view["over"] else None,
        completed=100 if view["over"] else view["percent"] or 0,
        note=escape(note)[:60],
    )


def _going(view: dict[str, Any]) -> str:
    """Rows, rows a second and time left where they are known, and what the source says."""
    known = (
        (view["rows"], f"{view['rows'] or 0:,} rows"),
        (view["rows_per_second"], f"{view['rows_per_second'] or 0:,.0f}/s"),
        (view["seconds_left"], f"{view['seconds_left'] or 0:.0f} s left"),
    )
    return " ".join([*(said for value, said in known if value), view["message"] or ""])


def _print_pulls(document: dict[str, Any], console: Console) -> None:
    pulls = document["pulls"]
    if not pulls:
        console.print("Nothing is due. Name datasets, or use --all.")
        return
    table = Table("dataset", "state", "read", "new", "changed", "same", "rejected", "s", box=None)
    for item in pulls:
        counts = (f"{item['rows_' + kind]:,}" for kind in _KINDS)
        table.add_row(item["dataset"], item["state"], *counts, f"{item['seconds'] or 0:.1f}")
    console.print(table)
    for item in pulls:
        if item["error"] or item.get("message"):
            name = f"{item['dataset']}: "  # many errors open with it
            text = (item["error"] or item["message"]).removeprefix(name)
            console.print(f"{name}{escape(text)}", markup=False)


_KINDS = ("read", "inserted", "updated", "unchanged", "rejected")


def import_file(
    dataset: Annotated[str, typer.Argument(help="The dataset to load into.")],
    file: Annotated[
        Path, typer.Argument(help="A CSV or Parquet file (.gz is read too); - for stdin.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would change, and store nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Load a file through the same path as a pull: schema, rejects, lineage."""
    with _given(file) as path:
        runner.run(
            "import",
            json=json,
            render=_print_pulls,
            dataset=dataset,
            path=path,
            dry_run=dry_run,
        )


@contextmanager
def _given(file: Path) -> Iterator[str]:
    """The path of a file, or of what stdin holds, kept aside while it is read."""
    if str(file) != STREAM:
        yield _readable(file)
        return
    with tempfile.TemporaryDirectory(prefix="openbell-") as folder:
        body = sys.stdin.buffer.read()
        ending = "parquet" if body.startswith(b"PAR1") else "csv"
        path = Path(folder) / f"stdin.{ending}"
        path.write_bytes(body)
        yield str(path)


def backfill(
    file: Annotated[
        Path, typer.Argument(help="companyfacts.zip, submissions.zip or an FSDS quarter zip.")
    ],
    json: Json = False,
) -> None:
    """Load a bulk file of the SEC without unpacking it."""
    runner.run("backfill", json=json, render=_print_pulls, path=_readable(file))


def status(json: Json = False) -> None:
    """Per dataset: freshness, rows, last pull, next due, last error."""
    runner.run("status", json=json, render=_print_status)


def _print_status(document: dict[str, Any], console: Console) -> None:
    table = Table(
        "dataset",
        "freshness",
        "data up to",
        "rows",
        "last success",
        "next due",
        "error or missing",
        box=None,
    )
    for item in document["datasets"]:
        down = " (upstream down)" if item["upstream"] not in (None, "closed") else ""
        table.add_row(
            item["name"],
            (item["freshness"] if item["enabled"] else "disabled") + down,
            _up_to(item),
            f"{item['rows']:,}",
            when(item["last_success"], "never"),
            when(item["next_due"]),
            escape(item.get("fault", item.get("last_error")) or item.get("partial_reason") or ""),
        )
    console.print(table)
    for problem in document["problems"]:
        console.print(problem, markup=False)


def _up_to(item: dict[str, Any]) -> str:
    """The day or the instant that the data reach, and how many sessions are missing after it.

    A day comes as its midnight in UTC. An instant is told whole: late in the evening of New York
    its day in UTC is the next one, which the data do not reach.
    """
    behind = item["sessions_behind"]
    late = f", {behind} behind" if behind else ""
    until = when(item["data_until"]).removesuffix(" 00:00:00 UTC")
    return f"{until}{late}"


def export(
    what: Annotated[
        str | None, typer.Argument(help="filings, facts, candidates, plans, journal, …")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A .csv, .parquet, .json or .arrow file; - for stdout."),
    ] = None,
    fmt: Annotated[
        str | None,
        typer.Option(
            "--format", help="csv, parquet, json or arrow; default: by the ending, else csv."
        ),
    ] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="NAME=VALUE, repeatable.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="The tables with their filters and columns.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a table of the desk to a file, or to stdout; --list says which tables there are."""
    if listed:
        runner.run("exports", json=json, render=_print_exports, what=what)
        return
    with runner.asked() as call:
        if what is None or out is None:
            raise UsageError(
                "export needs a table and --out (a file, or - for stdout)",
                hint="see: python -m app export --list",
            )
        piped = str(out) == STREAM
        body = call.export(what, fmt or ("csv" if piped else _ending(out)), _pairs(filters))
        if piped:
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
            return
        from core.service.kernel.exports import save_bytes

        save_bytes(body, out.absolute())
        made = CommandResult({"table": what, "file": str(out.absolute()), "bytes": len(body)}, 0)
        runner.show(made, json=json, render=_print_export)


def _print_export(document: dict[str, Any], console: Console) -> None:
    console.print(f"{document['file']}: {document['bytes']:,} bytes", markup=False)


def _ending(out: Path) -> str:
    from core.service.kernel.exports import format_of

    return format_of(out)


def _print_exports(document: dict[str, Any], console: Console) -> None:
    for item in document["exports"]:
        console.print(f"{item['name']}: {item['summary']}", markup=False)
        for given in item["filters"]:
            console.print(f"  --filter {given['name']}=… ({of_filter(given)})", markup=False)
        if item["columns"]:
            console.print(f"  columns: {', '.join(item['columns'])}", markup=False)
        if item["note"]:
            console.print(f"  {item['note']}", markup=False)


def _readable(file: Path) -> str:
    path = file.expanduser().absolute()
    if not path.exists():
        with runner.reported():
            raise UsageError(f"there is no file {file}")
    return str(path)


def _pairs(items: list[str] | None) -> dict[str, str]:
    pairs = {}
    for item in items or ():
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise UsageError(f"--filter {item!r} must be NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


def _instant(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not an ISO date or instant") from None
    if isinstance(moment, date) and not moment.tzinfo:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)
