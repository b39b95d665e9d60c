"""Where the desk's own files lie: in a checkout, or in an installed package."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the folder that the packages are in
_PACKAGED = Path(__file__).resolve().parent / "data"  # only a wheel has the catalogues here


def catalogues(packaged: Path = _PACKAGED) -> Path:
    """The folder of the shipped catalogues."""
    return packaged if packaged.is_dir() else ROOT / "data"


def data(packaged: Path = _PACKAGED) -> Path:
    """The folder for data folders: in a checkout its own, else `.openbell` of the user's home."""
    return Path.home() / ".openbell" if packaged.is_dir() else ROOT / "data"
