"""What surrounds the code is as it says: targets, pins, templates, versions, links."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from core import __version__

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYTHONS = ["3.11", "3.12", "3.13"]
FRONT = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")


def project() -> dict[str, object]:
    """The project's table of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def targets() -> set[str]:
    """The targets of the Makefile that are no files."""
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)
    assert phony
    return set(phony[1].replace("\\", " ").split())


def make(*words: str) -> str:
    """What make says it would do, without doing it."""
    line = ["make", "--no-print-directory", *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_help_lists_every_target() -> None:
    """A target without a word of help would be found by nobody."""
    assert {line.split()[0] for line in make("help").splitlines()} == targets()
    assert targets() == set(re.findall(r"^([a-z0-9-]+):(?!=)", MAKEFILE, re.MULTILINE))


def test_clean_removes_what_make_makes_and_no_data() -> None:
    """Everything that git ignores here, but for data, secrets and measured results."""
    spared = ("data/", "secrets", ".env", "*.log", "*.pyc", "*.egg-info", "benchmarks/results")
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    removed = make("--dry-run", "clean").replace("{}", "")
    for line in ignored:
        if not line.startswith(spared) or line.startswith(".venv"):
            assert line.rstrip("/") in removed, line
    assert "data" not in removed


def test_every_install_asks_for_hashes() -> None:
    """Make, image and CI install nothing whose bytes are not known."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    installs = re.findall(r".*pip install.*", f"{MAKEFILE}\n{dockerfile}\n{workflow}")
    assert installs
    assert all("--require-hashes" in line for line in installs)


def test_images_and_actions_are_pinned_by_digest() -> None:
    """A tag can be moved; a digest cannot."""
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert images
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in images)
    text = "\n".join(path.read_text() for path in (ROOT / ".github" / "workflows").iterdir())
    actions = re.findall(r"uses: (.*)", text)
    assert actions
    assert all(re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", action) for action in actions)


def test_a_release_is_tested_staged_and_given_its_secrets_by_the_repository() -> None:
    """Wheel, bill of materials, checksums as a draft; that job alone may write; no secret in it."""
    path = ROOT / ".github" / "workflows" / "release.yml"
    made = yaml.safe_load(path.read_text())
    job = made["jobs"]["release"]
    steps = [step.get("run", "") for step in job["steps"]]
    wanted = ("bash .ci/run", "make wheel sbom", "sha256sum", "gh release create")
    places = [next(n for n, line in enumerate(steps) if word in line) for word in wanted]
    assert places == sorted(places)
    assert made["permissions"] == {"contents": "read"}
    assert job["permissions"] == {"contents": "write"}
    assert job["environment"] == "release"
    secrets = re.findall(r"\$\{\{ (.*?) \}\}", path.read_text())
    assert secrets == ["secrets.RELEASE_TOKEN || secrets.GITHUB_TOKEN"]


def test_ci_runs_every_python_that_is_promised() -> None:
    """The oldest is what the project asks for."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == PYTHONS
    assert project()["requires-python"] == f">={PYTHONS[0]}"


@pytest.mark.parametrize("line", ["secrets/", ".env", ".git", "data/desk*"])
def test_secrets_and_data_never_go_into_an_image(line: str) -> None:
    """Whoever builds it gets the code alone."""
    assert line in (ROOT / ".dockerignore").read_text().splitlines()


def test_templates_and_updates_are_valid_yaml() -> None:
    """A form that cannot be read is shown to nobody."""
    for path in (ROOT / ".github").rglob("*.yml"):
        assert yaml.safe_load(path.read_text()), path
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}  # nothing is fetched to check a commit
    names = {hook["id"] for repo in hooks for hook in repo["hooks"]}
    assert {"ruff", "format", "house-rules", "locks", "types"} <= names


def test_the_version_has_its_section_in_the_changelog() -> None:
    """With the day on which it was tagged; what is being made is unreleased."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    version = __version__
    heading = (
        r"\[Unreleased\]" if ".dev" in version else rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d"
    )
    assert re.search(rf"^## {heading}$", changelog, re.MULTILINE)
    assert re.search(r"^## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)


@pytest.mark.parametrize("name", FRONT)
def test_links_of_the_front_pages_lead_somewhere(name: str) -> None:
    """Files that are named are there; links of the hosting page itself begin with `../../`."""
    links = _LINK.findall((ROOT / name).read_text())
    missing = [
        link for link in links if not link.startswith("../../") and not (ROOT / link).exists()
    ]
    assert missing == []


def test_lines_to_paste_have_no_holes_in_them() -> None:
    """`<this>` would read a file in a shell."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert not [
        line for block in blocks for line in block.splitlines() if re.search(r"<[a-z ]+>", line)
    ]
