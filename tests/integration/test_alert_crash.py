"""A desk is killed again and again while alerts go out: none is lost, none has two ids."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.places import MailBox, WebHook, mail_box, web_hook

ROOT = Path(__file__).resolve().parents[2]
EVENTS, KILLS = 20, 4
CHILD = """
import sys, time
from core.observe.events import Event
from core.service import everything
from core.service.desk import Desk
from core import settings
from core.store import deliveries, events

wanted, began = int(sys.argv[1]), int(sys.argv[2])
with Desk.open(settings.load()) as desk:
    desk.start(scheduler=False)
    for number in range(began, wanted):
        with desk.warehouse.transaction() as tx:
            known = events.told(tx, "job.dead", [f"job-{number}"])
            found = [] if known else [
                Event.of("job.dead", f"job-{number}", f"job-{number} died", after={"job": "grade"})
            ]
            events.add(tx, found, desk.now())
        print(number, flush=True)
    while True:
        left = desk.warehouse.read_anew(
            "SELECT count(*) FILTER (state <> 'sent') AS l, count(*) AS n FROM alert_deliveries"
        ).row(0)
        if left == (0, 2 * wanted):
            print("all", flush=True)
            break
        time.sleep(0.02)
"""


@pytest.fixture
def places() -> Iterator[tuple[MailBox, WebHook]]:
    with mail_box() as box, web_hook() as hook:
        yield box, hook


@pytest.mark.crash
def test_kills_while_alerts_go_out_lose_and_double_none(
    tmp_path: Path, places: tuple[MailBox, WebHook]
) -> None:
    """Each event reaches both places; what came twice came under the id it had before."""
    mail, web = places
    environment = os.environ | {
        "OPENBELL_DATA_DIR": str(tmp_path / "desk"),
        "OPENBELL_NOTIFY": mail.address,
        "OPENBELL_NOTIFY_WEBHOOKS": web.setting,
        "OPENBELL_ALERT_BUDGET": "1000",
        "OPENBELL_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }
    for kill in range(KILLS):
        _until_killed(environment, after=len(web.calls) + 1 + kill % 3, web=web)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(EVENTS), "0"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert "all" in done.stdout.splitlines()  # beside lines of the log
    assert len(set(web.ids)) == len(set(mail.ids)) == EVENTS
    of_web = {body for _, body in web.calls}
    assert len(of_web) == EVENTS  # a repeat is the same to the last byte
    subjects = {str(letter["Subject"]) for letter in mail.letters}
    assert len(subjects) == EVENTS


def _until_killed(environment: dict[str, str], *, after: int, web: WebHook) -> None:
    """Run a desk until the web server has heard so often, then kill it."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(EVENTS), "0"],
        env=environment, cwd=environment["OPENBELL_DATA_DIR"].rsplit("/", 1)[0],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        web.heard(after, child)
        child.send_signal(signal.SIGKILL)
