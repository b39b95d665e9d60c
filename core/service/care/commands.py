"""Care of the data: verify, and the doctor's look at everything the desk depends on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.alert_settings import callers
from core.domain.access.principals import Role
from core.errors import OpenbellError, SettingsError
from core.jobs.queue.port import JobStatus
from core.service.care import health, places
from core.service.data_folder import backups_of, hint_here, key_of
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.sources import foundry_client
from core.settings import PREFIX, Settings
from core.store import backup as backups
from core.store import presence
from core.store.digests import read_all

if TYPE_CHECKING:
    from core.service.desk import Desk

CONTAINER_SECONDS = 10.0
SHOWN_ROWS = 1000
_CONTAINER = "see that it runs, and that OPENBELL_FOUNDRY_URL is its address"


@command("verify", needs=Role.ADMIN)
def verify_command(desk: Desk) -> CommandResult:
    """Check store, queue, marks and every backup; errors found give exit code 3."""
    checks = [
        _check("store", lambda: f"{read_all(desk.warehouse.read_anew):,} rows read"),
        _check("mark", lambda: _mark(desk)),
        *_queue(desk),
        *_backups(desk.settings),
    ]
    return _result(checks)


def verify_closed(settings: Settings, error: OpenbellError) -> CommandResult:
    """The checks of a desk that cannot be opened: why not, and which backups are whole."""
    return _result([_said("desk", False, str(error)), *_backups(settings)])


@command("doctor", needs=Role.VIEWER)
def doctor_command(desk: Desk) -> CommandResult:
    """Look at everything the desk depends on, and say what to mend."""
    return _result(list(_doctor(desk)))


def _doctor(desk: Desk) -> Iterator[dict[str, Any]]:
    chosen = desk.settings
    yield _said("python", sys.version_info >= (3, 11), sys.version.split()[0])
    yield _as_in_health(desk, "disk")
    problems = [str(problem) for problem in desk.catalogue.problems]
    yield _said("catalogue", not problems, "; ".join(problems) or f"{chosen.catalogue} is valid")
    contact = (
        "set"
        if chosen.sec_user_agent
        else (
            "not set: pulls from the SEC are refused until OPENBELL_SEC_USER_AGENT holds your "
            "name and e-mail"
        )
    )
    yield _said("SEC contact", bool(chosen.sec_user_agent), contact)
    yield _container(desk)
    yield _check("places of alerts", lambda: places.told(chosen))
    yield _check("datasets of settings", lambda: _named_datasets(desk))
    yield _check("store", lambda: f"{read_all(desk.warehouse.read_anew):,} rows read")
    yield from _queue(desk)
    yield {**_as_in_health(desk, "backup"), "check": "backups"}
    yield from _backups(chosen, newest=1)


def _as_in_health(desk: Desk, name: str) -> dict[str, Any]:
    """A look that health takes, too: what is only a warning there is to be mended as well."""
    found = health.CHECKS[name].look(desk)
    return _said(name, found.status == "ok", found.message)


def _named_datasets(desk: Desk) -> str:
    """SettingsError when a setting names a dataset that the catalogue has not."""
    chosen = desk.settings
    set_here = "scan_dataset" in chosen.model_fields_set
    named = {
        "SCAN_DATASET": {chosen.scan_dataset} if set_here else set(),
        "WEBHOOK_SECRETS": {name for name, _ in callers(chosen.webhook_secrets) if name},
    }
    for setting, names in named.items():
        unknown = sorted(names - set(desk.catalogue.datasets))
        if unknown:
            raise SettingsError(
                f"{PREFIX}{setting} names {unknown[0]!r}, which the catalogue has not",
                hint=f"correct it, or add it to {chosen.catalogue}",
            )
    return "all in the catalogue"


def _container(desk: Desk) -> dict[str, Any]:
    """Whether the Foundry container is there: asked once, not for long, if a dataset needs it."""
    if not any(dataset.source == "foundry" for dataset in desk.catalogue.enabled):
        return _said("Foundry container", True, "no enabled dataset comes from it")

    async def ask() -> str:
        async with foundry_client(desk, patience_seconds=CONTAINER_SECONDS) as client:
            await client.sign_of_life()
        return f"{desk.settings.foundry_url} is online and takes exchanges"

    return _check("Foundry container", lambda: asyncio.run(ask()), hint=_CONTAINER)


def _mark(desk: Desk) -> str:
    return f"the store stands at {desk.warehouse.compare_with_mark()}"


def _queue(desk: Desk) -> Iterator[dict[str, Any]]:
    """One check for the queue, and one for every damaged row until it is discarded."""
    yield _check("queue", lambda: _counts(desk))
    for job in desk.queue.find([JobStatus.CORRUPT], limit=SHOWN_ROWS):
        told = (
            f"damaged, set aside, never run ({job.event_name}); "
            f"{hint_here(desk.settings, presence.RESTORE)}; or give it up with: "
            f"python -m app jobs discard {job.id}"
        )
        yield _said(f"job {job.id}", False, told)


def _counts(desk: Desk) -> str:
    desk.queue.verify()
    counts = desk.queue.counts()
    if counts[JobStatus.CORRUPT]:
        raise OpenbellError(f"{counts[JobStatus.CORRUPT]} damaged jobs")
    return ", ".join(f"{n} {status}" for status, n in counts.items() if n) or "empty"


def _backups(settings: Settings, newest: int | None = None) -> Iterator[dict[str, Any]]:
    for path in backups.found(backups_of(settings.data_dir))[:newest]:
        yield _check(f"backup {path.name}", lambda p=path: _tables(settings, p))


def _tables(settings: Settings, path: Path) -> str:
    return f"{len(backups.check(path, key_of(settings)).rows)} tables"


def _check(name: str, look: Any, *, hint: str | None = None) -> dict[str, Any]:
    try:
        return _said(name, True, look())
    except OpenbellError as error:
        error.hint = error.hint or hint
        return _said(name, False, str(error))


def _said(name: str, ok: bool, message: str) -> dict[str, Any]:
    return {"check": name, "ok": ok, "message": message}


def _result(checks: list[dict[str, Any]]) -> CommandResult:
    ok = all(check["ok"] for check in checks)
    return CommandResult({"ok": ok, "checks": checks}, 0 if ok else FOUND_ERRORS)
