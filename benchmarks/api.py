"""Reads of the API beside a bare Starlette route that sends the same bytes, and twenty readers.

    python -m benchmarks.api [--reads 200] [--readers 20] [--url http://127.0.0.1:8501 --data DIR]

Without `--url` a demo is started, and read once its first pulls are done. For each resource both
servers are asked in turn over a connection that stays open, so other work on the machine slows both
alike. Prints medians, their ratio, that of a 304 beside it, and what went wrong of the readers.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from app import address as addresses
from benchmarks.pages import ROOT, served
from core.errors import OpenbellError

PATHS = (
    "/api/v1/datasets",
    "/api/v1/datasets/prices.daily",
    "/api/v1/datasets/prices.daily/rows?limit=100",
    "/api/v1/datasets/prices.daily/pulls",
    "/api/v1/companies",
    "/api/v1/plans",
    "/api/v1/symbols",
)
PATIENCE_SECONDS = 120.0
BARE = """
import json
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

BODIES = json.loads(Path("bodies.json").read_text())

async def sent(request):
    return Response(BODIES[int(request.path_params["n"])], media_type="application/json")

app = Starlette(routes=[Route("/{n}", sent), Route("/_stcore/health", lambda _: Response())])
"""


class Reader:
    """One connection to a server that stays open."""

    def __init__(self, base: str, token: str = "") -> None:
        where = urlsplit(base)
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, tag: str = "") -> tuple[int, bytes, str]:
        """Status, body and entity tag."""
        more = {"If-None-Match": tag} if tag else {}
        self._connection.request("GET", path, headers={**self._headers, **more})
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")

    def timed(self, path: str, tag: str = "") -> float:
        """Seconds of one answer."""
        began = time.perf_counter()
        self.get(path, tag)
        return time.perf_counter() - began


def desk(stack: ExitStack, given: argparse.Namespace) -> tuple[str, str]:
    """Address and token of the desk."""
    folder = given.data
    if not given.url:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = [sys.executable, "-m", "app", "demo", "--port", "0"]
        given.url, _ = stack.enter_context(served(command, ROOT, OPENBELL_DATA_DIR=str(folder)))
    found = addresses.read(folder)
    if found is None:
        raise OpenbellError(f"no desk has told its address in {folder}")
    return given.url.rstrip("/"), found.token


def settled(reader: Reader) -> None:
    """Wait until no job of the first pulls runs or is due."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    calm = 0
    while calm < 3 and time.monotonic() < deadline:
        found = json.loads(reader.get("/api/v1/datasets")[1])["data"]
        calm = 0 if any(row["running_job"] for row in found) else calm + 1
        time.sleep(1)


def bare(stack: ExitStack, bodies: list[bytes]) -> str:
    """A server of the same bodies, by number."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "bodies.json").write_text(json.dumps([body.decode() for body in bodies]))
    (folder / "served.py").write_text(BARE, encoding="utf-8")
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "served:app"]
    base, _ = stack.enter_context(served([*command, "--port", "0", "--no-access-log"], folder))
    return base


def compared(ours: Reader, plain: Reader, path: str, place: int, reads: int) -> dict[str, float]:
    """Medians in milliseconds: of the resource, of its 304, and of the bare route."""
    tag = ours.get(path)[2]
    times: dict[str, list[float]] = {"ms": [], "kept_ms": [], "bare_ms": []}
    for _ in range(reads):
        times["ms"].append(ours.timed(path))
        times["kept_ms"].append(ours.timed(path, tag))
        times["bare_ms"].append(plain.timed(f"/{place}"))
    return {name: statistics.median(found) * 1000 for name, found in times.items()}


def crowd(base: str, token: str, readers: int, reads: int) -> tuple[int, list[str]]:
    """Answers and errors of so many readers at once."""
    wrong: list[str] = []
    done = [0] * readers

    def read(place: int) -> None:
        reader = Reader(base, token)
        for turn in range(reads):
            path = PATHS[(place + turn) % len(PATHS)]
            try:
                status = reader.get(path)[0]
            except (OSError, http.client.HTTPException) as error:
                wrong.append(f"{path}: {error!r}")
                reader = Reader(base, token)
                continue
            done[place] += 1
            if status >= 400:
                wrong.append(f"{path}: {status}")

    threads = [threading.Thread(target=read, args=(place,)) for place in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done), wrong


def main() -> None:
    """Print the table; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=200)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--url", default="")
    parser.add_argument("--data", type=Path, default=None, help="the data folder of that desk")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/api.json")
    given = parser.parse_args()
    rows = []
    with ExitStack() as stack:
        base, token = desk(stack, given)
        ours = Reader(base, token)
        settled(ours)
        bodies = [ours.get(path)[1] for path in PATHS]
        plain = Reader(bare(stack, bodies))
        print(f"{'resource':<46} {'kB':>6} {'ms':>7} {'304':>7} {'bare':>7} {'ratio':>6}")
        for place, path in enumerate(PATHS):
            found = compared(ours, plain, path, place, given.reads)
            size, ratio = len(bodies[place]) / 1e3, found["ms"] / found["bare_ms"]
            rows.append({"path": path, **found, "ratio": ratio, "kilobytes": size})
            times = " ".join(f"{found[name]:>7.2f}" for name in ("ms", "kept_ms", "bare_ms"))
            print(f"{path:<46} {size:>6.1f} {times} {ratio:>6.2f}", flush=True)
        answers, wrong = crowd(base, token, given.readers, max(given.reads // 4, 1))
    print(f"{given.readers} readers, {answers} answers, {len(wrong)} errors {wrong[:3]}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"rows": rows, "answers": answers, "errors": wrong}))


if __name__ == "__main__":
    main()
