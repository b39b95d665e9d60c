"""Where the desk's own files lie."""

from __future__ import annotations

from pathlib import Path

from core import places


def test_a_checkout_keeps_its_data_beside_its_catalogues(tmp_path: Path) -> None:
    """As README and compose file say."""
    assert places.catalogues(tmp_path / "none") == places.ROOT / "data"
    assert places.data(tmp_path / "none") == places.ROOT / "data"
    assert (places.catalogues() / "catalogue.toml").is_file()


def test_an_installed_desk_writes_nothing_beside_its_code(tmp_path: Path) -> None:
    """The catalogues are in the package, the data in the user's home."""
    assert places.catalogues(tmp_path) == tmp_path
    assert places.data(tmp_path) == Path.home() / ".openbell"
