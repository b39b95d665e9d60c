"""Files that arrive in a folder: which dataset one is for, by its sub-folder or its name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

ENDINGS = (".csv", ".parquet")
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".swp")
AFTER_NAME = "._- "  # what may follow the name of a dataset in that of a file


def is_ready(name: str) -> bool:
    """Whether a file's name is that of a whole one: hidden and half-written ones are not."""
    return not name.startswith((".", "~")) and not name.lower().endswith(UNFINISHED)


def dataset_of(parts: Sequence[str], known: Collection[str]) -> str | None:
    """The dataset of a file by its path below the folder; None when neither tells.

    A sub-folder named after a dataset decides; else the longest name that the file's begins with.
    """
    *folders, name = parts
    if folders:
        return folders[0] if len(folders) == 1 and folders[0] in known else None
    begins = [item for item in known if name.startswith(item) and name[len(item)] in AFTER_NAME]
    return max(begins, key=len, default=None)


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def fault(name: str, dataset: str | None, known: Collection[str]) -> str | None:
    """Why a file cannot be taken, in words; None when it can."""
    if not name.isprintable() or not _is_text(name):
        return "its name has letters that cannot be shown"
    if not name.lower().endswith(ENDINGS):
        return f"only files ending in {' and '.join(ENDINGS)} are taken"
    if dataset is None:
        some = ", ".join(sorted(known)[:20])
        return (
            "no dataset is told: put it into a folder of that name, or begin its name with it "
            f"(there are: {some})"
        )
    return None
