"""What the wheel says it needs: the direct requirements, from the one file that lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Requirements(MetadataHookInterface):
    """Fills `dependencies` with the rows of requirements.in."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies of the project's metadata."""
        text = (Path(self.root) / "requirements.in").read_text(encoding="utf-8")
        rows = (line.partition("#")[0].strip() for line in text.splitlines())
        metadata["dependencies"] = [row for row in rows if row]
