"""The desk comes up whatever private name of Streamlit a release has taken away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from app.streamlit_patches import ADDRESSES, TABLES, THEME

ROOT = Path(__file__).resolve().parents[2]
GONE = {
    "theme": [THEME],
    "tables": [TABLES],
    "configuration": [("streamlit.config", "on_config_parsed")],
    "addresses": [(ADDRESSES[0], name) for name in ADDRESSES[1]],
}
COME_UP = """
import importlib, sys
for pair in sys.argv[1:]:
    module, name = pair.split(":")
    delattr(importlib.import_module(module), name)
from starlette.testclient import TestClient
from app import asgi
with TestClient(asgi.app, base_url="http://localhost") as desk:
    for path in ("/api/health/live", "/_stcore/health", "/"):
        print(path, desk.get(path).status_code)
"""


def come_up(folder: Path, gone: list[tuple[str, str]]) -> subprocess.CompletedProcess[str]:
    """What a desk says that starts without those names."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBELL_")}
    chosen = {"OPENBELL_DATA_DIR": str(folder), "OPENBELL_SCHEDULER": "false"}
    pairs = [f"{module}:{name}" for module, name in gone]
    command = [sys.executable, "-W", "ignore", "-c", COME_UP, *pairs]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=kept | chosen,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_desk_comes_up_without_its_private_names(tmp_path: Path) -> None:
    """Health, API and page answer; each patch that does not fit is told once.

    That one of them alone costs the others nothing is told by the unit tests of the patches.
    """
    said = come_up(tmp_path, [pair for pairs in GONE.values() for pair in pairs])
    assert said.stdout.split("\n")[-4:-1] == [
        "/api/health/live 200", "/_stcore/health 200", "/ 200",
    ], said.stderr  # fmt: skip
    told = re.findall(r"does not fit this release.*patch=(\w+)", said.stdout + said.stderr)
    assert sorted(told) == ["make_theme_once", "stay_inside", "write_tables_once"]
