"""Commands about jobs: list, retry, discard, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from app import run as runner
from app.options import Json, when

Jobs = Annotated[list[str] | None, typer.Argument(help="Ids of jobs.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    jobs = typer.Typer(
        help="The queue: what waits, runs, failed and is done.", no_args_is_help=True
    )
    jobs.command("list")(jobs_list)
    jobs.command("retry")(jobs_retry)
    jobs.command("discard")(jobs_discard)
    jobs.command("cancel")(jobs_cancel)
    cli.add_typer(jobs, name="jobs")


def jobs_list(
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="queued, running, done, dead, cancelled; repeatable."),
    ] = None,
    event: Annotated[str | None, typer.Option("--event", help="pull, grade, settle …")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Only jobs of this dataset.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most jobs shown.")] = 50,
    json: Json = False,
) -> None:
    """Jobs, live ones first."""
    runner.run(
        "jobs", json=json, render=_print, state=state, event=event, dataset=dataset, limit=limit
    )


def jobs_retry(jobs: Jobs = None, all_: All = False, json: Json = False) -> None:
    """Queue dead letters again; the running desk works on them at once."""
    runner.run("jobs_retry", json=json, render=_say("queued"), jobs=jobs, all=all_)


def jobs_discard(jobs: Jobs = None, all_: All = False, json: Json = False) -> None:
    """Dismiss dead letters; they stay in the history."""
    runner.run("jobs_discard", json=json, render=_say("discarded"), jobs=jobs, all=all_)


def jobs_cancel(
    jobs: Annotated[list[str], typer.Argument(help="Ids of jobs.")], json: Json = False
) -> None:
    """Call jobs off: waiting ones at once, running ones at their next pause."""
    runner.run("cancel", json=json, render=_print_cancelled, jobs=jobs)


def _print(document: dict[str, Any], console: Console) -> None:
    table = Table("job", "event", "dataset", "state", "attempts", "last change", "error", box=None)
    for job in document["jobs"]:
        table.add_row(
            job["job_id"],
            job["event"],
            job["dataset"] or "—",
            job["state"],
            str(job["attempts"]),
            when(str(job["updated_at"])),
            job["error"] or "",
        )
    console.print(table)
    counted = ", ".join(f"{n} {state}" for state, n in document["counts"].items() if n)
    console.print(counted or "no jobs")


def _say(what: str) -> runner.Render:
    def render(document: dict[str, Any], console: Console) -> None:
        console.print(f"{len(document[what])} {what}", *document[what])

    return render


def _print_cancelled(document: list[dict[str, Any]], console: Console) -> None:
    for item in document:
        console.print(f"{item['job_id']}: {item['state']}")
