"""All that is replaced inside Streamlit, by names that it does not promise to keep.

Each patch stands alone and is guarded: where a release has renamed what it replaces, one warning is
logged and the desk comes up without it. What is lost then:

- the theme message is read anew from some three hundred options at every rerun (two milliseconds
  with the interpreter lock held, a third of what a small page costs when twenty readers ask);
- a table is written as Arrow at every rerun that shows it, not once;
- every rerun hashes the names of all pages four times over, takes the indents out of texts it
  has taken them out of before, and asks the disk whether the script of the desk is still a file;
- every run makes the navigation of all pages anew;
- every element is counted for a report that is never sent, its message taken apart to be named, and
  the place of every fragment copied to its depths;
- every text, list, container, figure and button is made into a message anew;
- widgets copy the state of the session and name themselves anew, each message calls the loop;
- every message of a run is a write of its own to the browser's socket;
- every HTML is searched for styles and lines to its end, the disk is asked whether the logo is the
  name of a file, and a hundred times a run two locks are taken to see whether it is to stop;
- Streamlit may ask an outside address for ours when it judges an origin.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import pyarrow as pa

from app import kept_navigation
from components.kit import once
from core.observe import logs

log = logs.get("streamlit")
THEME = ("streamlit.runtime.app_session", "_populate_theme_msg")
TABLES = ("streamlit.dataframe_util", "convert_arrow_table_to_arrow_bytes")
HASHES = ("streamlit.navigation.page", "calc_hash")
TEXTS = ("streamlit.elements.markdown", "clean_text")
CLIENT = ("streamlit.web.server.starlette.starlette_websocket", "StarletteSessionClient")
PAGES = ("streamlit.runtime.pages_manager", "PagesManager")
CONTEXT = ("streamlit.runtime.scriptrunner_utils.script_run_context", "ScriptRunContext")
MESSAGES = (CONTEXT[0], "populate_hash_if_needed")
COPIES = ("streamlit.runtime.fragment", "deepcopy")
COUNTS = ("streamlit.runtime.metrics_util", "gather_metrics")
PATHS = ("streamlit.runtime.scriptrunner.script_runner", "modified_sys_path")
HTML = ("streamlit.elements.html", ("clean_text", "_html_only_style_tags"))
IMAGES = (("streamlit.commands.page_config", "image_to_url"),
          ("streamlit.commands.logo", "image_to_url"))  # fmt: skip
RUNNER = (PATHS[0], "ScriptRunner")
ELEMENTS = ("streamlit.elements.lib.utils", "_register_element_id")
IDS = (ELEMENTS[0], "_compute_element_id")
READ = ("text_widgets", "time_widgets", "number_input", "selectbox", "radio", "slider")
STATES = [(f"streamlit.elements.widgets.{name}", "get_session_state") for name in READ]
SESSION = (THEME[0], "AppSession")
KEPT_TEXTS = 256
KEPT_COMMANDS = ("markdown", "html", "container", "caption", "plotly_chart")
ADDRESSES = ("streamlit.net_util", ("_external_ip", "_internal_ip"))


class WrittenTables:
    """Writes a table as `write` does, which is asked once per table.

    Three calls let go of the interpreter lock and wait for it again, half of what a table costs
    when many readers ask at once. The desk shares its tables between sessions and changes none of
    them, so the bytes are kept as long as the table itself lives.
    """

    def __init__(self, write: Callable[[pa.Table], bytes]) -> None:
        self.write = write

    def __call__(self, table: pa.Table, *args: Any, **kwargs: Any) -> bytes:
        """The table as Arrow IPC."""
        if args or kwargs:  # asked in a way that is new to us
            return self.write(table, *args, **kwargs)
        return once.cached_for_object(table, lambda: self.write(table), "as Arrow")


class ThemeMessage:
    """Fills a message with a section of the theme as `populate` does, which is asked once."""

    def __init__(self, populate: Callable[..., None]) -> None:
        self.populate = populate
        self.known: dict[str, Any] = {}

    def __call__(self, message: Any, section: str = "theme", *args: Any, **kwargs: Any) -> None:
        """Fill an empty message with the options of a section of the configuration."""
        if args or kwargs or not hasattr(message, "MergeFrom"):  # asked in a way new to us
            self.populate(message, section, *args, **kwargs)
            return
        if section not in self.known:
            made = type(message)()
            self.populate(made, section)
            self.known[section] = made
        if self.known[section].ListFields():  # to merge nothing would still mark the part as there
            message.MergeFrom(self.known[section])

    def forget(self) -> None:
        """Ask anew: the configuration was read again."""
        self.known.clear()


class TextAnswers:
    """Answers as `plain` does, a function of one text alone; the latest are kept."""

    def __init__(self, plain: Callable[..., Any]) -> None:
        self.plain = plain
        self.kept = lru_cache(KEPT_TEXTS)(plain)

    def __call__(self, text: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer; of what is no text, or asked in a way that is new to us, made anew."""
        if type(text) is not str or args or kwargs:
            return self.plain(text, *args, **kwargs)
        return self.kept(text)


class ScriptFolders:
    """Makes what `plain` makes of the path of a script, and looks at the disk once a path."""

    def __init__(self, plain: Callable[..., Any]) -> None:
        self.plain = plain
        self.kept: dict[str, Any] = {}

    def __call__(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """A new one that nobody has entered."""
        if args or kwargs:
            return self.plain(path, *args, **kwargs)
        if path not in self.kept:
            self.kept[path] = self.plain(path)
        return copy.copy(self.kept[path])


def write_tables_once() -> None:
    """Let the pages of this process send tables that are written once."""
    module, name = _found(*TABLES)
    if not isinstance(getattr(module, name), WrittenTables):
        setattr(module, name, WrittenTables(getattr(module, name)))


def make_theme_once() -> None:
    """Let the sessions of this process send a theme that is made once per configuration."""
    config, listen = _found("streamlit.config", "on_config_parsed")
    module, name = _found(*THEME)
    if not isinstance(getattr(module, name), ThemeMessage):
        message = ThemeMessage(getattr(module, name))
        getattr(config, listen)(message.forget, force_connect=True)
        setattr(module, name, message)


def stay_inside() -> None:
    """Never let Streamlit ask an outside address for ours: the gate has judged all origins.

    It would do so on the event loop, and hold up every session where such requests hang.
    """
    where, names = ADDRESSES
    for module, name in [_found(where, name) for name in names]:
        setattr(module, name, "127.0.0.1")


def hash_page_names_once() -> None:
    """A hash of a page's name is asked for ninety times a run."""
    _answer_once(*HASHES)


def clean_texts_once() -> None:
    """What a page says is mostly what it said before."""
    _answer_once(*TEXTS)


def _answer_once(where: str, what: str) -> None:
    module, name = _found(where, what)
    if not isinstance(getattr(module, name), TextAnswers):
        setattr(module, name, TextAnswers(getattr(module, name)))


def find_script_once() -> None:
    """Where the script of the desk lies does not change while the desk runs."""
    module, name = _found(*PATHS)
    if not isinstance(getattr(module, name), ScriptFolders):
        setattr(module, name, ScriptFolders(getattr(module, name)))


def keep_navigation() -> None:
    """The navigation is the same at every run but for the page that is asked for."""
    manager, context = (getattr(*_found(*place)) for place in (PAGES, CONTEXT))
    for holder, name in ((manager, "set_pages_and_resolve"), (context, "set_mpa_v2_page")):
        getattr(holder, name)
    kept_navigation.navigate.keeps = True


def name_messages_quickly() -> None:
    """A message is named by what it draws, without being taken apart and put together again."""
    module, name = _found(*MESSAGES)
    from app.quick_runs import MessageHash

    if not isinstance(getattr(module, name), MessageHash):
        setattr(module, name, MessageHash(getattr(module, name)))


def copy_places_quickly() -> None:
    """A fragment notes where it stands at every run, by a deep copy of a few small objects."""
    module, name = _found(*COPIES)
    from app.quick_runs import PlaceCopies

    if not isinstance(getattr(module, name), PlaceCopies):
        setattr(module, name, PlaceCopies(getattr(module, name)))


def read_html_quickly() -> None:
    """Lists are long, of one line, and no styles."""
    where, names = HTML
    found = [_found(where, name) for name in names]
    from app.quick_runs import OneLine, OnlyStyles

    for (module, name), quick in zip(found, (OneLine, OnlyStyles), strict=True):
        _in_place_of(module, name, quick)


def know_images() -> None:
    """Icon and logo are in their own addresses."""
    found = [_found(*place) for place in IMAGES]
    from app.quick_runs import AddressOfImage

    for module, name in found:
        _in_place_of(module, name, AddressOfImage)


def yield_quickly() -> None:
    """A run looks at every element and choice whether it is to stop."""
    runner = getattr(*_found(*RUNNER))
    from app.quick_runs import quick_yield

    now = runner._maybe_handle_execution_control_request
    if not hasattr(now, "plain"):
        runner._maybe_handle_execution_control_request = quick_yield(now)


def _in_place_of(module: Any, name: str, quick: type) -> None:
    if not isinstance(getattr(module, name), quick):
        setattr(module, name, quick(getattr(module, name)))


def count_nothing() -> None:
    """Every command is counted for reports that the desk never sends."""
    _found(*COUNTS)
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.context import ContextProxy
    from streamlit.runtime.state import QueryParamsProxy, SessionStateProxy

    from app.quick_runs import uncount

    proxies = (ContextProxy, QueryParamsProxy, SessionStateProxy)
    for commands in (importlib.import_module("streamlit"), *DeltaGenerator.__mro__[:-1], *proxies):
        uncount(commands)


def keep_elements() -> None:
    """Texts, lists, containers, figures and buttons are mostly those of the run before."""
    _found(*ELEMENTS)
    module = importlib.import_module("streamlit")
    from streamlit.delta_generator import DeltaGenerator

    from app.kept_buttons import keep_buttons
    from app.kept_elements import KeptElements, atom, keeping, known_figure, put_in_place

    for name in KEPT_COMMANDS:
        now = getattr(DeltaGenerator, name)
        if not hasattr(now, "kept"):
            made = KeptElements(now, known_figure if name == "plotly_chart" else atom)
            put_in_place(module, name, keeping(made))
    keep_buttons(DeltaGenerator)


def know_ids() -> None:
    """The id of a widget follows from its arguments."""
    module, name = _found(*IDS)
    from app.quick_runs import ElementIds

    _in_place_of(module, name, ElementIds)


def read_state_by_key() -> None:
    """A widget looks at its own value, and the state of the whole session was copied for it."""
    found = [_found(*place) for place in STATES]
    from app.quick_runs import FindsState

    for module, name in found:
        _in_place_of(module, name, FindsState)


def call_loop_once() -> None:
    """The messages of a run reach the loop in a few calls."""
    session = getattr(*_found(*SESSION))
    from app.quick_runs import calls_together

    now = session._call_soon_on_event_loop
    if not hasattr(now, "plain"):
        session._call_soon_on_event_loop = calls_together(now)


def send_runs_whole() -> None:
    """A run of a page goes to its browser in a few writes instead of twenty."""
    module, name = _found(*CLIENT)
    from app.outgoing import WholeRuns  # made of names that may be gone

    setattr(module, name, WholeRuns)


PATCHES: tuple[Callable[[], None], ...] = (
    make_theme_once,
    write_tables_once,
    hash_page_names_once,
    clean_texts_once,
    find_script_once,
    keep_navigation,
    name_messages_quickly,
    copy_places_quickly,
    read_html_quickly,
    know_images,
    yield_quickly,
    count_nothing,
    keep_elements,
    know_ids,
    read_state_by_key,
    call_loop_once,
    send_runs_whole,
    stay_inside,
)


def install() -> None:
    """Put every patch in place; one that no longer fits is told in the log, once, and left out."""
    for patch in PATCHES:
        try:
            patch()
        except (ImportError, AttributeError, TypeError) as error:
            _tell(patch.__name__, str(error))


@cache
def _tell(patch: str, error: str) -> None:
    log.warning("a patch of Streamlit does not fit this release", patch=patch, error=error)


def _found(module: str, name: str) -> tuple[Any, str]:
    """A module and a name that is there; ImportError or AttributeError otherwise."""
    place = importlib.import_module(module)
    getattr(place, name)
    return place, name
