"""What machines can mend is shown first, and mended when that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import remediate

UGLY = "import os\nx = {  'a':1 }\n"


def test_a_copy_is_mended_and_the_difference_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project stays as it is until --apply; a second run finds nothing."""
    monkeypatch.setattr(remediate, "STEPS", remediate.STEPS[:2])
    (tmp_path / "ruff.toml").write_text('lint.select = ["F"]\n')
    file = tmp_path / "ugly.py"
    file.write_text(UGLY)
    assert remediate.main([], tmp_path) == remediate.CHANGED
    said = capsys.readouterr()
    assert json.loads(said.out) == {"applied": False, "changed": ["ugly.py"], "left": []}
    assert '+x = {"a": 1}' in said.err
    assert file.read_text() == UGLY
    assert remediate.main(["--apply"], tmp_path) == remediate.CHANGED
    assert file.read_text() == 'x = {"a": 1}\n'
    capsys.readouterr()
    assert remediate.main([], tmp_path) == 0
