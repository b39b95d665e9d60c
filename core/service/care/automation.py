"""What machines ask before they go on: may this data be used, and the files to hand on.

All of it is dry unless asked otherwise, and answers with a document.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import polars as pl

from core import atomic
from core.domain.access.principals import LOCAL, Role
from core.domain.quality.model import default_ruleset
from core.errors import StoreError, UsageError
from core.jobs.queue.port import JobStatus
from core.service.care import health
from core.service.filings.regrading import today
from core.service.kernel import access, exports, given_files
from core.service.kernel.access import needs
from core.service.kernel.commands import FOUND_ERRORS, CommandResult, command
from core.service.pulls import datasets
from core.store import filing_status

if TYPE_CHECKING:
    from core.service.desk import Desk

PUBLISHED = ("filings", "findings", "features", "candidates", "plans", "journal")
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the artefact: the same rows, the same bytes
SERVED = ("store", "write", "queue", "disk")
BEHIND = ("overdue", "failing", "never")


@command("gate", needs=Role.VIEWER)
def gate(desk: Desk, *, most_doubtful_pct: float = 10.0) -> CommandResult:
    """Whether the data may be used: store, freshness, dead jobs, checks, grades; 3 where not.

    `most_doubtful_pct` of the current reports may be graded D or F.
    """
    gates = [
        *_served(desk),
        _fresh(desk),
        _dead(desk),
        _checks(desk),
        _grades(desk, most_doubtful_pct),
    ]
    passed = all(item["passed"] for item in gates)
    return CommandResult({"passed": passed, "gates": gates}, 0 if passed else FOUND_ERRORS)


def _gate(name: str, passed: bool, message: str) -> dict[str, Any]:
    return {"gate": name, "passed": passed, "message": message}


def _served(desk: Desk) -> Iterator[dict[str, Any]]:
    found = health.report(desk)["checks"]
    for name in SERVED:
        yield _gate(name, found[name]["ok"], found[name]["message"])


def _fresh(desk: Desk) -> dict[str, Any]:
    behind = [
        f"{item.name} is {item.freshness}"
        for item in datasets.overview(desk)
        if item.enabled and item.next_due is not None and item.freshness in BEHIND
    ]
    return _gate("freshness", not behind, "; ".join(behind) or "every dataset is in time")


def _dead(desk: Desk) -> dict[str, Any]:
    dead = desk.queue.counts()[JobStatus.DEAD]
    return _gate("dead jobs", not dead, f"{dead} were given up" if dead else "none")


def _checks(desk: Desk) -> dict[str, Any]:
    found = desk.warehouse.read(
        "SELECT worst, started_at FROM reconciliation_runs ORDER BY started_at DESC LIMIT 1"
    ).rows()
    if not found:
        return _gate("reconciliation", True, "it has not run yet")
    worst, at = found[0]
    words = f"the worst of {at:%Y-%m-%d %H:%M}Z is {worst}"
    return _gate("reconciliation", worst != "error", words)


def _grades(desk: Desk, most_pct: float) -> dict[str, Any]:
    found = filing_status.by_grade(desk.warehouse, today(desk))
    rated = sum(found.values()) - found.get("NR", 0)
    doubtful = found.get("D", 0) + found.get("F", 0)
    share = 100 * doubtful / rated if rated else 0.0
    words = f"{doubtful:,} of {rated:,} rated reports are D or F ({share:.1f} %)"
    return _gate("grades", share <= most_pct, words)


@command("features", needs=Role.VIEWER)
def features_command(desk: Desk, *, cik: int | None = None, form: str | None = None) -> Any:
    """What the feature records hold: rows, companies, the share of each column, a digest."""
    frame = exports.frame_of(desk, "features", cik=cik, form=form)
    body = exports.encode(frame, "csv")
    held = frame.select(pl.all().is_not_null().mean() * 100) if frame.height else frame
    shares = {name: round(held[name][0], 2) if frame.height else 0.0 for name in frame.columns}
    return {
        "rows": frame.height,
        "companies": frame["cik"].n_unique() if frame.height else 0,
        "ruleset": default_ruleset().id,
        "held_pct": shares,
        "sha256": hashlib.sha256(body).hexdigest(),
    }


@command("publish", needs=Role.ANALYST)
def publish(
    desk: Desk, *, target: Path | None = None, bucket: str | None = None, apply: bool = False
) -> dict[str, Any]:
    """The tables to hand on as one archive, the same bytes for the same rows; dry without `apply`.

    `target` is the folder that it goes into, by default `published` in the data folder; or
    `bucket`, `s3://NAME/PREFIX`, with the credentials that the desk has for S3.
    """
    if bucket is not None:
        _must_be_a_bucket(desk, bucket, target)
    body, manifest = artefact(desk)
    digest = hashlib.sha256(body).hexdigest()
    folder = target or desk.settings.data_dir / "published"
    name = f"openbell-{digest[:16]}.zip"
    document = {
        "file": f"{bucket.rstrip('/')}/{name}" if bucket else str(folder / name),
        "sha256": digest,
        "bytes": len(body),
        "applied": apply,
        "tables": manifest["tables"],
    }
    if apply and bucket:
        send_on(desk, bucket, name, body, digest)
    elif apply:
        hand_on(desk, folder, name, body, digest)
    return document


def _must_be_a_bucket(desk: Desk, bucket: str, target: Path | None) -> None:
    """The desk's own credentials are used, so its own command line alone may say for what."""
    parts = urlsplit(bucket)
    if target is not None or parts.scheme != "s3" or not parts.netloc or parts.query:
        raise UsageError("a bucket is s3://NAME/PREFIX, and stands in place of a folder")
    if access.principal(desk) != LOCAL:
        raise UsageError("the desk's own command line alone may name a bucket")


def artefact(desk: Desk) -> tuple[bytes, dict[str, Any]]:
    """The archive and its manifest: CSV of each table with rows and SHA-256."""
    bodies: dict[str, bytes] = {}
    tables: dict[str, Any] = {}
    for name in PUBLISHED:
        frame = _sorted(exports.frame_of(desk, name))
        bodies[f"{name}.csv"] = body = exports.encode(frame, "csv")
        tables[name] = {"rows": frame.height, "sha256": hashlib.sha256(body).hexdigest()}
    manifest = {
        "ruleset": default_ruleset().id,
        "simulated": desk.settings.simulated,
        "tables": tables,
    }
    bodies["manifest.json"] = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(bodies.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue(), manifest


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in an order of their own, whatever order the store gives them."""
    plain = [name for name, kind in frame.schema.items() if not kind.is_nested()]
    return frame.sort(plain, nulls_last=True, maintain_order=True) if plain else frame


@needs(Role.ANALYST)
def hand_on(desk: Desk, folder: Path, name: str, body: bytes, digest: str) -> None:
    """Write an archive and its SHA-256 into a folder, each whole."""
    where = given_files.to_write(folder)
    try:
        atomic.write(where / name, body, private=False)
        line = f"{digest}  {name}\n".encode()
        atomic.write(where / f"{name}.sha256", line, private=False)
    except OSError as error:
        raise StoreError(f"it cannot be written: {error.strerror}", where=str(where)) from error


@needs(Role.ANALYST)
def send_on(desk: Desk, bucket: str, name: str, body: bytes, digest: str) -> None:
    """Write an archive and its SHA-256 into a bucket, each read back; TransportError without it."""
    from core.sources.outward.second_place import SecondPlace  # obstore is for whoever has S3

    place = SecondPlace(bucket, "bucket", "AWS_ENDPOINT_URL")
    with tempfile.TemporaryDirectory(prefix=".published-", dir=desk.settings.data_dir) as scratch:
        for file, content in ((name, body), (f"{name}.sha256", f"{digest}  {name}\n".encode())):
            path = Path(scratch) / file
            atomic.write(path, content)
            place.put(path)
