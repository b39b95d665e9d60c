"""Files that were harmed, as a disc or a person harms them."""

from __future__ import annotations

from pathlib import Path


def damage(path: Path, harm: str) -> None:
    """Take a file away ("gone"), flip a bit in its middle ("flip"), or cut its second half off."""
    body = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
        return
    if harm == "flip":
        body[len(body) // 2] ^= 4
    path.write_bytes(body if harm == "flip" else body[: len(body) // 2])
