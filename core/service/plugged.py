"""What plugins bring, put where the desk looks for it: once for a process, before a desk opens."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

import polars as pl

from core import catalogue, plugins
from core.domain.gaps import catalysts
from core.domain.quality import model
from core.errors import OpenbellError
from core.observe import logs
from core.settings import Settings

log = logs.get("plugins")


@cache
def install() -> None:
    """Bring in rules and catalysts, and let the catalogue know the sources."""
    found = plugins.found()
    texts = [text for name, text in found.called("openbell_rules") if _is_rules(name, text)]
    if texts:
        model.extend(texts)
    hooks = found.manager.hook.openbell_catalysts.get_hookimpls()
    catalysts.FINDERS.extend(_finder(item.plugin_name, item.function) for item in hooks)
    for name, version in found.loaded.items():
        log.info("plugin loaded", plugin=name, version=version)
    for name, why in found.faults.items():
        log.error("plugin left out", plugin=name, error=why)


def _is_rules(name: str, text: Any) -> bool:
    try:
        model.check_extra(text)
    except (OpenbellError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        plugins.found().refuse(name, f"its rules cannot be used: {error}")
        return False
    return True


def _finder(name: str, function: Any) -> catalysts.Finder:
    def find(filings: pl.DataFrame) -> pl.DataFrame | None:
        found = plugins.found()
        rows = found.guarded(name, function, "openbell_catalysts", {"filings": filings})
        if rows is None:
            return None
        if not isinstance(rows, pl.DataFrame) or dict(rows.schema) != catalysts.COLUMNS:
            found.refuse(name, "its catalysts have not the columns of catalysts.COLUMNS")
            return None
        return rows

    return find


def sources(settings: Settings) -> dict[str, Any]:
    """The sources of plugins by their words; those of the desk's own words are refused."""
    made: dict[str, Any] = {}
    if not settings.plugins:
        return made
    for name, given in plugins.found().called("openbell_sources", settings=settings):
        for word, source in given.items():
            if word in catalogue.SOURCES or word in made or not hasattr(source, "pull"):
                plugins.found().refuse(name, f"its source {word!r} is taken, or none")
                continue
            made[word] = source
    return made
