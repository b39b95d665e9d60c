"""Many desks on one store: kill the engine that leads, cut links, and count what was lost.

    python -m benchmarks.cluster --kills 200 [--minutes 20] [--desks 4] [--seed 7]  (make cluster)
    python -m benchmarks.cluster --sessions 200 --desks 4 [--think 20] [--pulls]

Real processes: engines and desks, each in a network namespace of its own where that can be made
(root and `ip`), PostgreSQL, Redis, and SeaweedFS unless `--no-s3`. While readers approve plans,
book deposits, refresh and read at every desk, and windows of two datasets come due every thirty
seconds, the leader is killed with SIGKILL, and after every `--kills-a-cut` kills a link of one
process is cut for some seconds: all kinds in turn (PostgreSQL, Redis, S3, the container, the other
engine; of the leader, of the engine that stands by, of a desk). Prints windows lost and doubled,
commits of an old epoch, acknowledged plans and entries lost or doubled, what readers were told, and
how long takeovers took. Ends after as many kills, or with the minutes, whichever comes first.
With `--sessions` nothing is broken: so many Streamlit sessions read at the desks, and p95 of their
reruns is told beside that of one desk's share on one desk, with what a reader costs; windows come
due meanwhile with `--pulls` alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

import psycopg  # noqa: E402

import core.service.everything  # noqa: E402,F401 - registers what can be asked for
from benchmarks import cluster_count as counts  # noqa: E402
from benchmarks.cluster_count import Report  # noqa: E402
from benchmarks.cluster_data import NAMES, catalogue, container  # noqa: E402
from benchmarks.cluster_load import SYMBOLS, Kept, Reader  # noqa: E402
from benchmarks.cluster_sessions import LIMIT, Wanted, compare, table  # noqa: E402
from core import settings  # noqa: E402
from core.service.desk import Desk  # noqa: E402
from tests import namespaces as network  # noqa: E402
from tests import postgres_server, redis_server, s3_server  # noqa: E402
from tests.cluster_rig import UNTIMED, Cluster, Member, until  # noqa: E402
from tests.filled import fill  # noqa: E402

CUT_SECONDS = 7.0
LINKS = ("postgres", "redis", "s3", "container")
STOPPING = ("postgres", "redis", "s3")  # without which a leader can write nothing
OTHER = "engine"  # the link between the two engines
LEADER, STANDBY, DESK = "leader", "standby", "desk"
KINDS = [
    *((who, link) for link in LINKS for who in (LEADER, STANDBY, DESK)),
    (LEADER, OTHER),
]
WATCH = """
    CREATE TABLE watched_commits (snapshot BIGINT, epoch BIGINT);
    CREATE FUNCTION watch_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO watched_commits VALUES (
            NEW.snapshot_id, nullif(current_setting('openbell.epoch', true), '')::bigint);
        RETURN NEW;
    END $$;
    CREATE TRIGGER watch_commit AFTER INSERT ON ducklake_snapshot
        FOR EACH ROW EXECUTE FUNCTION watch_commit();
"""


class Rig:
    """The cluster, the wires to it, and what breaks them."""

    def __init__(
        self,
        cluster: Cluster,
        net: network.Network | None,
        kept: Kept,
        chance: random.Random,
        wanted: Sequence[str] = (),
    ) -> None:
        """`wanted`: the kinds of cuts, as WHO-LINK; all when there are none."""
        self.cluster, self._net, self._kept, self._chance = cluster, net, kept, chance
        self._wanted = wanted
        self._session = psycopg.connect(cluster.catalogue, autocommit=True)
        self._kinds: list[tuple[str, str]] = []
        self.report = Report()
        self.takeovers: list[float] = []
        self.writable: list[float] = []
        self.after_cuts: list[float] = []

    def leader(self) -> Member | None:
        """The engine that has the lease and whose desk is open."""
        row = self._session.execute("SELECT holder FROM openbell_lease").fetchone()
        pid = int(str(row[0]).rpartition(":")[2]) if row else 0
        return next((m for m in self.cluster.engines if m.pid == pid and m.is_open()), None)

    def await_leader(self, seconds: float = 60.0, other_than: int = 0) -> Member:
        found: list[Member] = []

        def leads() -> bool:
            member = self.leader()
            if member is not None and member.pid != other_than:
                found[:] = [member]
            return bool(found)

        until(leads, seconds, "an engine that leads", pause=0.02)
        return found[0]

    def kill(self) -> None:
        """Kill the leader when a random while has passed; start it again when another leads."""
        time.sleep(self._chance.uniform(0.3, 2.0))
        leader = self.await_leader()
        began = time.monotonic()
        leader.kill()
        self.await_leader(other_than=leader.pid)
        self.takeovers.append(time.monotonic() - began)
        self._await_write(began)
        self.report.kills += 1
        print(f"kill {self.report.kills}: {self.takeovers[-1]:.2f} s", file=sys.stderr)
        leader.start()
        leader.await_up()

    def cut(self) -> None:
        """Cut the next kind of link for CUT_SECONDS, and let it heal."""
        if self._net is None:
            return
        who, link = self._next_kind()
        leader = self.await_leader()
        other = next(m for m in self.cluster.engines if m is not leader)
        member = {LEADER: leader, STANDBY: other}.get(who) or self._chance.choice(
            self.cluster.desks
        )
        to = other.namespace if link == OTHER else link
        began = time.monotonic()
        self._net.cut(member.namespace, to)
        time.sleep(CUT_SECONDS)
        self._net.mend(member.namespace, to)
        named = f"{who}-{link}"
        print(f"cut {named}", file=sys.stderr)
        self.report.cuts[named] = self.report.cuts.get(named, 0) + 1
        self.await_leader()
        if member is leader and link in STOPPING:
            self.after_cuts.append(self._await_write(began + 0.3) - began)
        for each in (*self.cluster.engines, *self.cluster.desks):
            each.await_up()

    def _next_kind(self) -> tuple[str, str]:
        """Who is cut off from what: every kind once, in an order by chance, then again."""
        if not self._kinds:
            s3 = any("OPENBELL_LAKE_ENDPOINT" in m.environment for m in self.cluster.engines)
            self._kinds = [kind for kind in KINDS if s3 or kind[1] != "s3"]
            if self._wanted:
                self._kinds = [kind for kind in self._kinds if "-".join(kind) in self._wanted]
            self._chance.shuffle(self._kinds)
        return self._kinds.pop()

    def _await_write(self, began: float) -> float:
        """When a write was acknowledged that is later than `began`."""
        kept = self._kept.acknowledged

        def written() -> bool:
            return bool(kept) and kept[-1] > began

        until(written, 60, "a write that is acknowledged", pause=0.02)
        at = next(at for at in kept if at > began)
        self.writable.append(at - began)
        return at


def shared_settings(lake: str, queue: str, container: str, folder: Path) -> dict[str, str]:
    """What all processes of the cluster are told."""
    return {
        "OPENBELL_STORE_URL": lake,
        "OPENBELL_QUEUE_URL": queue,
        "OPENBELL_FOUNDRY_URL": container,
        "OPENBELL_CATALOGUE": str(folder / "catalogue.toml"),
        "OPENBELL_RETRY_BASE_SECONDS": "0.2",
        "OPENBELL_GRACE_SECONDS": "1",
        **UNTIMED,
    }


@contextmanager
def rigged(folder: Path, chosen: argparse.Namespace, kept: Kept) -> Iterator[Rig]:
    """A cluster that runs, filled with two companies."""
    with ExitStack() as stack:
        net = stack.enter_context(network.Network()) if network.available() else None

        def host(service: str) -> str:
            return net.address(service) if net else "127.0.0.1"

        (folder / "redis").mkdir(parents=True)
        database = stack.enter_context(postgres_server.running(host("postgres")))
        queue = stack.enter_context(redis_server.running(folder / "redis", host("redis")))
        catalogue_url = postgres_server.make(database, "cluster")
        data, more = str(folder / "lake"), {}
        if chosen.s3:
            (folder / "s3").mkdir()
            endpoint = stack.enter_context(s3_server.running(folder / "s3", host("s3")))
            data = f"s3://{s3_server.BUCKET}/lake"
            more = {
                "OPENBELL_LAKE_ENDPOINT": endpoint,
                "OPENBELL_LAKE_REGION": "us-east-1",
                "OPENBELL_LAKE_KEY_ID": "test",
                "OPENBELL_LAKE_SECRET": "not-a-secret",
            }
        shared = shared_settings(
            f"ducklake:{catalogue_url}?data={data}",
            f"{queue}?prefix=cluster",
            stack.enter_context(container(host("container"))),
            folder,
        )
        shared |= more
        hours = min(chosen.kills / 60, chosen.minutes / 60) + 0.5
        (folder / "catalogue.toml").write_text(catalogue(datetime.now(UTC), hours))
        first_start(folder, shared)
        cluster = Cluster(catalogue_url, queue)
        stack.callback(cluster.end)
        cluster.engines = [member(folder, "engine", n, shared, net) for n in range(2)]
        cluster.desks = [member(folder, "desk", n, shared, net) for n in range(chosen.desks)]
        for each in (*cluster.engines, *cluster.desks):
            each.start()
        rig = Rig(cluster, net, kept, random.Random(chosen.seed), chosen.kinds or ())
        rig.await_leader(180)
        for each in (*cluster.engines, *cluster.desks):
            each.await_up()
        yield rig


def first_start(folder: Path, shared: dict[str, str]) -> None:
    """Make the lake, put two companies into it, and have its commits watched."""
    given = {key.removeprefix("OPENBELL_").lower(): value for key, value in shared.items()}
    given["scan_times"] = ()  # type: ignore[assignment]
    given["plugins"] = False  # type: ignore[assignment]
    chosen = settings.load(data_dir=folder / "first", role="engine", **given)
    with Desk.open(chosen) as desk:
        fill(desk)
    assert chosen.lake is not None
    with psycopg.connect(chosen.lake.catalogue, autocommit=True) as session:
        session.execute(WATCH)


def member(
    folder: Path, role: str, number: int, shared: dict[str, str], net: network.Network | None
) -> Member:
    data = folder / f"{role}-{number}"
    own = {"OPENBELL_ROLE": role, "OPENBELL_DATA_DIR": str(data)}
    place = net.place() if net else ""
    made = Member(data.name, data, redis_server.free_port(), {**shared, **own})
    made.namespace = place
    made.within = network.within(place)
    return made


def run(folder: Path, chosen: argparse.Namespace) -> Report:
    """Break the cluster as often as told, then count."""
    kept, began = Kept(), time.monotonic()
    with rigged(folder, chosen, kept) as rig:
        since = datetime.now(UTC)
        readers = [
            Reader(desk, SYMBOLS[n % len(SYMBOLS)], list(NAMES), kept, chosen.seed + n)
            for n, desk in enumerate(rig.cluster.desks)
        ]
        for reader in readers:
            reader.start()
        ends = time.monotonic() + 60 * chosen.minutes
        while rig.report.kills < chosen.kills and time.monotonic() < ends:
            rig.kill()
            if chosen.kills_a_cut and rig.report.kills % chosen.kills_a_cut == 0:
                rig.cut()
        for reader in readers:
            reader.stop()
        until_ = datetime.now(UTC)
        counts.count(folder, rig.cluster, kept, rig.report, (since, until_))
    report = rig.report
    report.answers, report.errors = dict(kept.answers), dict(kept.errors.most_common(20))
    report.takeover_seconds = spread(rig.takeovers)
    report.writable_seconds = spread(rig.writable)
    report.after_cut_seconds = spread(rig.after_cuts)
    report.read_seconds = spread(kept.read_seconds)
    report.seconds = round(time.monotonic() - began, 1)
    return report


def read(folder: Path, chosen: argparse.Namespace) -> int:
    """Let sessions read at every desk, print and keep the figures; 1 above the limit."""
    os.environ["OPENBELL_SCHEDULER"] = str(chosen.pulls).lower()
    os.environ["OPENBELL_FOLLOW_SECONDS"] = "0"  # a run that a page begins by itself is no rerun
    wanted = Wanted(chosen.sessions, chosen.think, chosen.seconds)
    with rigged(folder, chosen, Kept()) as rig:
        told = compare(rig.cluster, wanted)
    print(table(told))
    chosen.out.write_text(json.dumps(told, indent=1))
    return int(told["p95_ratio"] > LIMIT)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, p95 and greatest."""
    if not values:
        return {}
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    told = {"n": len(ordered), "p50": statistics.median(ordered), "p95": p95, "max": ordered[-1]}
    return {name: round(value, 2) for name, value in told.items()}


def main() -> int:
    """Run and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--desks", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1440.0, help="begin no kill after them")
    parser.add_argument("--no-s3", dest="s3", action="store_false", help="tables in a folder")
    parser.add_argument("--kills-a-cut", type=int, default=2, help="0 for no cuts")
    parser.add_argument("--kinds", nargs="+", help="cut these alone, as desk-redis leader-s3")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sessions", type=int, default=0, help="let so many read; break nothing")
    parser.add_argument("--pulls", action="store_true", help="with windows while sessions read")
    parser.add_argument("--think", type=float, default=20.0, help="seconds a session reads")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long reading is measured")
    parser.add_argument("--keep", type=Path, help="a folder for data and logs, kept")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/cluster.json")
    chosen = parser.parse_args()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended
    with tempfile.TemporaryDirectory() as name:
        if chosen.sessions:
            return read(chosen.keep or Path(name), chosen)
        report = run(chosen.keep or Path(name), chosen)
    document: dict[str, Any] = asdict(report)
    for key, value in document.items():
        print(f"{key:<26}{value}")
    print("clean" if report.clean else "NOT CLEAN")
    chosen.out.write_text(json.dumps(document, indent=1))
    return 0 if report.clean else 1


if __name__ == "__main__":
    sys.exit(main())
