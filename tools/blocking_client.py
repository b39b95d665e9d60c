"""Writes the client that waits from the one that awaits: `python -m tools.blocking_client`.

Both ask the same, so the calls are written once, in `core/client/awaiting.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

from core import atomic

FOLDER = Path(__file__).resolve().parent.parent / "core" / "client"
SOURCE, TARGET = FOLDER / "awaiting.py", FOLDER / "blocking.py"
WORDS = (
    (r'^"""The desk, for code that awaits\."""', '"""The desk, asked and waited for.\n\n'
     "Written by `python -m tools.blocking_client`; change `awaiting.py` instead.\n" '"""'),
    (r'"""The desk for code that awaits\.', '"""The desk, asked and waited for.'),
    (r"an `async with`", "a `with`"),
    (r"^import asyncio$", "import time"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"import Awaitable, Callable", "import Callable"),
    (r"Awaitable\[None\]", "None"),
    (r"AsyncOpenbellClient", "OpenbellClient"),
    (r"httpx\.Async(\w+)", r"httpx.\1"),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"aclose", "close"),
    (r"\basync def\b", "def"),
    (r"\bawait ", ""),
)  # fmt: skip


def blocking(text: str) -> str:
    """The source of the client that waits, from that of the one that awaits."""
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text


def main() -> None:
    """Write it anew."""
    written = blocking(SOURCE.read_text(encoding="utf-8"))
    atomic.write(TARGET, written.encode(), private=False)


if __name__ == "__main__":
    main()
