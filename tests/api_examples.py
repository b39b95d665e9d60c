"""Records the examples of the API: `python -m tests.api_examples` (`make docs`) writes them anew.

Each command, export and route is asked by HTTP of a scratch desk whose clock stands still, with
two simulated companies; no host is asked for anything.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

import core.service.everything  # noqa: F401 - registers what can be asked for
from app.api import examples
from app.api.description import MEDIA
from core import settings
from core.alert_settings import key_of
from core.domain.access.principals import LOCAL, Role
from core.jobs.queue.port import JobStatus
from core.places import ROOT
from core.service import current
from core.service.desk import Desk
from core.service.filings.regrading import grade_all
from core.service.kernel import access, exports
from core.sources.outward import signing
from tests import api_desk, begun, example_steps
from tests.example_steps import Documents, Given
from tests.filled import fill
from tests.shortened import Steady, lines, small

AT = datetime(2026, 11, 25, 14, 35, tzinfo=UTC)  # a Wednesday, five minutes after the open
SECRET = "whsec_" + "bmV3" * 8
HOOK_BODY = b'{"type": "prices.ready"}'
PULL = "0" * 32
HOSTS = {  # setting -> a port of this machine where nobody listens, and whose it stands for
    "foundry_url": ("127.0.0.1:7", "foundry.example.com"),
    "sec_data_url": ("127.0.0.1:8", "data.sec.gov"),
    "sec_www_url": ("127.0.0.1:9", "www.sec.gov"),
}
STEP = timedelta(seconds=1)
Kept = dict[str, dict[str, Any]]
BARS = "symbol,session,open,high,low,close,volume\nAAA,2026-11-24,100,101,99,100.5,1000000\n"


class Clock:
    """Stands still until it is put forward: what is recorded has the same instants each time."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """The instant of now (UTC)."""
        return self.at


def made() -> Kept:
    """Operation -> the body that was sent and the answers, shortened."""
    clock = Clock(AT)
    with tempfile.TemporaryDirectory() as folder, _desk(Path(folder) / "desk", clock) as desk:
        places = {str(desk.settings.data_dir): "/var/lib/openbell", str(ROOT): "/opt/openbell"}
        places |= dict(HOSTS.values())
        return asyncio.run(_Recorder(desk, clock, Steady(places, AT)).recorded())


@contextmanager
def _desk(folder: Path, clock: Clock) -> Iterator[Desk]:
    chosen: dict[str, Any] = {"access": "token", "retries": 0, "scheduler": False}
    chosen |= {"webhook_secrets": SECRET, **api_desk.RATES}
    chosen |= {name: f"http://{host}" for name, (host, _) in HOSTS.items()}
    with pytest.MonkeyPatch.context() as patch:
        begun.forget_settings(patch)
        with Desk.open(settings.load(data_dir=folder, **chosen), clock) as desk:
            fill(desk)
            with access.acting(LOCAL):
                grade_all(desk)
            desk.roster.begin(desk.roster.add_token("Ada", Role.TRADER, None, LOCAL)[0].principal)
            clock.at += STEP
            _deliver(folder / "incoming")
            current.use(desk)
            yield desk
            current.use(None)


def _deliver(folder: Path) -> None:
    """The files that are loaded and compared."""
    folder.mkdir(parents=True)
    (folder / "bars.csv").write_text(BARS)
    (folder / "registry.csv").write_text("cik,ticker\n1001,AAA\n1002,BBX\n")
    told = {"end": "2026-06-30", "val": 5, "accn": "0000001001-26-000009", "fy": 2026,
            "fp": "Q2", "form": "10-Q", "filed": "2026-08-01"}  # fmt: skip
    facts = {"us-gaap": {"Assets": {"label": "Assets", "units": {"USD": [told]}}}}
    with zipfile.ZipFile(folder / "companyfacts.zip", "w") as archive:
        document = {"cik": 1001, "entityName": "Alpha Inc", "facts": facts}
        archive.writestr("CIK0000001001.json", orjson.dumps(document))


class _Recorder:
    """Asks a desk step by step, and keeps what was sent and answered."""

    def __init__(self, desk: Desk, clock: Clock, steady: Steady) -> None:
        self.desk, self.clock, self.steady = desk, clock, steady
        self.kept: Kept = {}
        self.seen: Documents = {}

    async def recorded(self) -> Kept:
        """Everything, by operation."""
        bearer = api_desk.token(self.desk, Role.ADMIN, "Una Ford")
        async with api_desk.connected(bearer) as self.client:
            for group in example_steps.BEFORE:
                await self._run(group)
            _finish(self.desk, self.seen["refresh"][0]["job_id"])
            for group in example_steps.AFTER:
                _bury(self.desk)
                await self._run(group)
            for name in exports.export.entries:
                self.kept[f"export_{name}"] = await self._exported(name)
            _drain(self.desk)
            self.desk.start(scheduler=False)  # for the desk's health; nothing is queued
            for name, path in example_steps.READS.items():
                self.kept[name] = {"answers": self._answer(await self.client.get(path))}
            self.kept[example_steps.HOOK] = await self._hooked()
        for name, (other, body) in example_steps.SAME.items():
            self.kept[name] = {"body": body, "answers": self.kept[other]["answers"]}
        return dict(sorted(self.kept.items()))

    async def _run(self, steps: list[tuple[str, Given]]) -> None:
        for name, given in steps:
            self.clock.at += STEP
            body = given(self.seen) if callable(given) else given
            answer = await self.client.post(f"/v1/commands/{name}", json=body)
            answers = self._answer(answer)
            self.seen[name] = answer.json()["document"]
            self.kept[f"command_{name}"] = {"body": self.steady.named(body), "answers": answers}

    async def _exported(self, name: str) -> dict[str, Any]:
        filters = example_steps.EXPORTS.get(name, {})
        body = {"format": "json", **({"filters": filters} if filters else {})}
        path = f"/v1/exports/{name}"
        answers = self._answer(await self.client.post(path, json=body))
        table = _good(await self.client.post(path, json={**body, "format": "csv"}))
        answers[MEDIA["csv"]] = self._lines(table.text, 2)
        return {"body": body, "answers": answers}

    async def _hooked(self) -> dict[str, Any]:
        signed = signing.headers([key_of(SECRET)], "m1", self.clock(), HOOK_BODY)
        path = example_steps.HOOKED
        answer = await self.client.post(path, content=HOOK_BODY, headers=signed)
        return {"body": orjson.loads(HOOK_BODY), "answers": self._answer(answer)}

    def _answer(self, answer: httpx.Response) -> dict[str, Any]:
        if _good(answer).headers["content-type"].startswith("text/plain"):
            return {"text/plain": self._lines(answer.text, 3)}
        told = small(self.steady.value(answer.json()))
        return {examples.JSON: self.steady.named(told)}

    def _lines(self, text: str, most: int) -> str:
        return str(self.steady.named(lines(self.steady.text(text), most)))


def _good(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise AssertionError(f"{answer.request.url.path}: {answer.status_code} {answer.text}")
    return answer


def _finish(desk: Desk, job_id: str) -> None:
    """The job of a pull that came: what it did stands in the store already."""
    _drain(desk)
    assert desk.queue.get(job_id).status is JobStatus.DONE


def _drain(desk: Desk) -> None:
    """Every job that waits is done."""
    while (job := desk.queue.claim("w", timedelta(minutes=1))) is not None:
        desk.queue.ack(job, {"pull_id": PULL})


def _bury(desk: Desk) -> None:
    """A job that failed until nobody tries it again."""
    desk.queue.publish("pull", {"dataset": "prices.daily", "trigger": "manual"}, dedupe_key="dead")
    status = JobStatus.QUEUED
    while status is not JobStatus.DEAD:
        job = desk.queue.claim("w", timedelta(minutes=1))
        assert job is not None
        status = desk.queue.retry(job, "the host does not answer", desk.now())


def written(kept: Kept) -> bytes:
    """The file of the examples, one operation a line."""
    text = io.BytesIO()
    rows = (orjson.dumps(name) + b":" + orjson.dumps(one) for name, one in kept.items())
    text.write(b"{\n" + b",\n".join(rows) + b"\n}\n")
    return text.getvalue()


if __name__ == "__main__":
    examples.KEPT.write_bytes(written(made()))
