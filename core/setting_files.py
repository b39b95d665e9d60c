"""Names and files that settings come from: what is unknown or cannot be read is told by name."""

from __future__ import annotations

import os
from collections.abc import Set
from pathlib import Path

from dotenv import dotenv_values

from core.errors import SettingsError

PREFIX = "OPENBELL_"
DOTENV = Path(".env")


def check(known: Set[str], secrets_dir: Path) -> bool:
    """Refuse unknown names and unreadable files with SettingsError; whether there are secrets.

    `known` are all names of settings with their prefix. Files of others in the folder of secrets
    are not ours to judge.
    """
    given = {key.upper() for key in os.environ if key.upper().startswith(PREFIX)} | _dotenv_names()
    for name in sorted(given - known):
        raise SettingsError(
            f"{name} is not a setting of Openbell",
            hint="docs/settings.md lists all; correct or remove it",
        )
    files = _secret_files(secrets_dir)
    for path in files:
        if path.name.upper() not in known:
            raise SettingsError(
                f"the secret file {path} is not a setting of Openbell",
                hint="docs/settings.md lists all; rename or remove it",
            )
        _read(path)
    return bool(files)


def _dotenv_names() -> set[str]:
    if not DOTENV.exists():
        return set()
    _read(DOTENV)
    return {key.upper() for key in dotenv_values(DOTENV) if key.upper().startswith(PREFIX)}


def _secret_files(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise _unreadable(folder, error) from None
    return [path for path in found if path.name.upper().startswith(PREFIX)]


def _read(path: Path) -> None:
    """SettingsError when the file cannot be read, as one of mode 0600 that another user owns.

    A pipe or device is not opened: reading one may never end.
    """
    if path.exists() and not path.is_file():
        raise SettingsError(f"{path} is not a file", hint="put the value into a file of that name")
    try:
        path.read_text(encoding="utf-8")
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not text in UTF-8") from None


def _unreadable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"{path} cannot be read: {error.strerror}",
        hint="let the user that runs the desk read it",
    )


def of_its_kind(path: Path | None, *, folder: bool) -> Path | None:
    """A path that is free, or what it must be: a folder, or else no folder.

    ValueError where it is the other, or stands in a folder that nobody may look into.
    """
    try:
        wrong = path is not None and path.exists() and path.is_dir() is not folder
    except OSError as error:
        raise ValueError(f"{path} cannot be looked at: {error.strerror}") from None
    if wrong:
        is_one, must_be = ("file", "folder") if folder else ("folder", "file")
        raise ValueError(f"{path} is a {is_one}; it must name a {must_be}")
    return path
