"""Plugins: packages of others that bring a source, a rule, a catalyst or a place for alerts.

A package names its module (or object) in the entry-point group `openbell`; functions of it that
are marked with `hook` and bear a name of `Hooks` are called. docs/extending.md has an example. One
that cannot be loaded, or fails, is left out and told; the desk goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import Any

import pluggy

GROUP = "openbell"
spec = pluggy.HookspecMarker(GROUP)
hook = pluggy.HookimplMarker(GROUP)


class Hooks:
    """What a plugin may bring."""

    @spec
    def openbell_sources(self, settings: Any) -> Mapping[str, Any]:
        """Sources (`core.jobs.pulling.puller.Source`) by the word that the catalogue uses."""
        raise NotImplementedError

    @spec
    def openbell_rules(self) -> str:
        """Rules of the filing grade: TOML of tables `[rules.X…]` with equations or orders."""
        raise NotImplementedError

    @spec
    def openbell_catalysts(self, filings: Any) -> Any:
        """Catalysts (columns `core.domain.gaps.catalysts.COLUMNS`) that filings stand for."""
        raise NotImplementedError

    @spec
    def openbell_sinks(self, settings: Any) -> Sequence[Any]:
        """Places for alerts (`core.sources.outward.letter.Outlet`) named `notify:NAME`."""
        raise NotImplementedError


@dataclass(slots=True)
class Plugins:
    """What was found: names with versions, and what is wrong with some."""

    manager: pluggy.PluginManager
    loaded: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def called(self, name: str, **given: Any) -> Iterator[tuple[str, Any]]:
        """What each plugin answers to a hook, by its name; one that fails is noted and left out."""
        implementations = getattr(self.manager.hook, name).get_hookimpls()
        for implementation in implementations:
            answer = self.guarded(implementation.plugin_name, implementation.function, name, given)
            if answer is not None:
                yield implementation.plugin_name, answer

    def guarded(
        self, plugin: str, function: Callable[..., Any], name: str, given: Mapping[str, Any]
    ) -> Any:
        """The answer of one plugin; None, and a note, when it fails."""
        try:
            return function(**given)
        except Exception as error:  # noqa: BLE001 - code of others may fail in any way
            self.faults[plugin] = f"{name} failed: {type(error).__name__}: {error}"
            return None

    def refuse(self, plugin: str, why: str) -> None:
        """Note what is wrong with what a plugin has brought."""
        self.faults[plugin] = why


@cache
def found() -> Plugins:
    """The plugins of this process, looked for once."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    plugins = Plugins(manager)
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        _load(plugins, entry)
    return plugins


def _load(plugins: Plugins, entry: metadata.EntryPoint) -> None:
    try:
        plugin = entry.load()
        plugins.manager.register(plugin, name=entry.name)
        _must_be_known(plugins.manager)
    except Exception as error:  # noqa: BLE001 - code of others may fail in any way
        if plugins.manager.has_plugin(entry.name):
            plugins.manager.unregister(name=entry.name)
        plugins.faults[entry.name] = f"cannot be loaded: {type(error).__name__}: {error}"
        return
    plugins.loaded[entry.name] = entry.dist.version if entry.dist else ""


def _must_be_known(manager: pluggy.PluginManager) -> None:
    """A hook that is spelled wrongly would never be called."""
    manager.check_pending()
