"""What is replaced inside Streamlit sends the same; a name that is gone stops nothing."""

from __future__ import annotations

import gc
import importlib
import sys
import time

import pyarrow as pa
import pytest
from streamlit import config, dataframe_util
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.runtime import app_session

from app import streamlit_patches
from app.streamlit_patches import (
    ADDRESSES,
    CLIENT,
    CONTEXT,
    COPIES,
    COUNTS,
    ELEMENTS,
    HASHES,
    HTML,
    IDS,
    IMAGES,
    MESSAGES,
    PAGES,
    PATHS,
    RUNNER,
    SESSION,
    STATES,
    TABLES,
    TEXTS,
    THEME,
    ScriptFolders,
    TextAnswers,
    ThemeMessage,
    WrittenTables,
    install,
    make_theme_once,
    write_tables_once,
)
from components.kit import once


@pytest.fixture
def plain_tables(monkeypatch):
    """What Streamlit itself does, put back after the test."""
    now = dataframe_util.convert_arrow_table_to_arrow_bytes
    plain = now.write if isinstance(now, WrittenTables) else now
    monkeypatch.setattr(dataframe_util, "convert_arrow_table_to_arrow_bytes", plain)
    return plain


def test_the_bytes_are_those_of_streamlit(plain_tables):
    """Numbers, words and lists are byte for byte the same, at the first call and the next."""
    table = pa.table({"n": [1, None], "word": ["a", "b"], "list": [["x"], []]})
    written = WrittenTables(plain_tables)
    assert written(table) == plain_tables(table)
    assert written(table) == plain_tables(table)


def test_a_table_is_written_once_while_it_lives():
    """Equal tables are two tables; one that is gone leaves nothing behind."""
    calls = []
    written = WrittenTables(lambda table: calls.append(table.num_rows) or b"x")
    first, second = pa.table({"n": [1]}), pa.table({"n": [1]})
    for table in (first, second, first, second):
        written(table)
    assert calls == [1, 1]
    gc.collect()  # of frames that others have left
    kept = len(once._of)
    del first, second, table
    gc.collect()
    assert len(once._of) == kept - 2


def test_tables_are_put_in_place_once(plain_tables):
    """Asking twice does not wrap what is wrapped."""
    write_tables_once()
    inner = dataframe_util.convert_arrow_table_to_arrow_bytes
    write_tables_once()
    assert dataframe_util.convert_arrow_table_to_arrow_bytes is inner
    assert inner.write is plain_tables  # type: ignore[attr-defined]


SECTIONS = ("light", "dark", "sidebar")


def _stock() -> object:
    now = app_session._populate_theme_msg
    return now.populate if isinstance(now, ThemeMessage) else now


def _filled(populate: object) -> bytes:
    session = NewSession()
    populate(session.custom_theme)
    for name in SECTIONS:
        populate(getattr(session.custom_theme, name), f"theme.{name}")
    return session.SerializeToString(deterministic=True)


@pytest.fixture
def primary():
    """The colour of links and buttons, put back after the test."""
    before = config.get_option("theme.light.primaryColor")
    yield lambda color: config._set_option("theme.light.primaryColor", color, "test")
    config._set_option("theme.light.primaryColor", before, "test")


def test_the_message_is_the_one_that_streamlit_makes(primary):
    """Every section, and the ones without any option, are byte for byte the same, twice over."""
    primary("#123456")
    theme = ThemeMessage(_stock())
    expected = _filled(_stock())
    assert b"#123456" in expected
    assert [_filled(theme), _filled(theme)] == [expected, expected]


def test_it_is_made_once_and_anew_when_the_configuration_is_read_again(primary):
    """A change of an option shows after `forget`, which Streamlit's signal calls."""
    asked = []

    def populate(message, section):
        asked.append(section)
        _stock()(message, section)

    theme = ThemeMessage(populate)
    primary("#111111")
    first = _filled(theme)
    primary("#222222")
    assert _filled(theme) == first
    assert len(asked) == 1 + len(SECTIONS)
    theme.forget()
    assert b"#222222" in _filled(theme)


def test_the_desk_installs_it_once_and_hears_of_a_new_configuration(monkeypatch):
    """`make_theme_once` may be called again; a configuration read anew forgets the theme."""
    monkeypatch.setattr(app_session, "_populate_theme_msg", _stock())
    make_theme_once()
    installed = app_session._populate_theme_msg
    make_theme_once()
    assert app_session._populate_theme_msg is installed
    _filled(installed)
    assert installed.known  # type: ignore[attr-defined]
    config._on_config_parsed.send()
    assert not installed.known  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", [HASHES, TEXTS])
def test_texts_are_answered_as_by_streamlit(place):
    """The same answer, made once a text; what is no text is asked about each time."""
    now = getattr(importlib.import_module(place[0]), place[1])
    plain = now.plain if isinstance(now, TextAnswers) else now
    asked = []
    answers = TextAnswers(lambda text: asked.append(text) or plain(text))
    texts = ["", " a\n  b\n", "a\n  b", "überall"]
    expected = [plain(text) for text in texts]
    assert [answers(text) for text in texts] == [answers(text) for text in texts] == expected
    assert asked == texts
    assert answers(b"bytes") == answers(b"bytes") == plain(b"bytes")
    assert len(asked) == len(texts) + 2


def test_the_folder_of_the_script_is_on_the_path_while_it_runs(tmp_path):
    """As Streamlit has it: in front within, gone after, also when one stands in another."""
    now = getattr(importlib.import_module(PATHS[0]), PATHS[1])
    plain = now.plain if isinstance(now, ScriptFolders) else now
    script = tmp_path / "dashboard.py"
    script.touch()
    folders = ScriptFolders(plain)
    before = list(sys.path)
    for _ in range(2):
        with folders(str(script)):
            assert sys.path == [str(tmp_path), *before]
            with folders(str(script)):
                assert sys.path == [str(tmp_path), *before]
            assert sys.path == [str(tmp_path), *before]
        assert sys.path == before
        script.unlink(missing_ok=True)  # the disk is not asked again


NAMES = [
    THEME,
    TABLES,
    HASHES,
    TEXTS,
    PATHS,
    CLIENT,
    CONTEXT,
    PAGES,
    MESSAGES,
    COPIES,
    COUNTS,
    *IMAGES,
    RUNNER,
    ELEMENTS,
    IDS,
    SESSION,
    *STATES,
    *[(HTML[0], name) for name in HTML[1]],
    ("streamlit.config", "on_config_parsed"),
    *[(ADDRESSES[0], name) for name in ADDRESSES[1]],
]

BESIDE = {
    CONTEXT[0]: (CONTEXT, MESSAGES),
    PATHS[0]: (PATHS, RUNNER),
    THEME[0]: (THEME, SESSION),
    ELEMENTS[0]: (ELEMENTS, IDS),
}  # patches that look into the same module


@pytest.fixture
def told(monkeypatch):
    """The warnings of patches that do not fit, with Streamlit as it comes."""
    monkeypatch.setattr(app_session, "_populate_theme_msg", _stock())
    now = dataframe_util.convert_arrow_table_to_arrow_bytes
    plain = now.write if isinstance(now, WrittenTables) else now
    monkeypatch.setattr(dataframe_util, "convert_arrow_table_to_arrow_bytes", plain)
    lines = []
    monkeypatch.setattr(streamlit_patches.log, "warning", lambda text, **more: lines.append(more))
    streamlit_patches._tell.cache_clear()
    yield lines
    streamlit_patches._tell.cache_clear()


def _in_place():
    """Which of the patches of theme and tables are there."""
    return [
        isinstance(app_session._populate_theme_msg, ThemeMessage)
        if hasattr(app_session, "_populate_theme_msg")
        else None,
        isinstance(getattr(dataframe_util, TABLES[1], None), WrittenTables),
    ]


def test_nothing_is_told_where_all_names_are_there(told):
    """The release in the requirements has them all."""
    install()
    assert told == []
    assert _in_place() == [True, True]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_that_is_gone_costs_one_warning(told, monkeypatch, module, name):
    """However often it is asked, and the other patches are in place."""
    monkeypatch.delattr(importlib.import_module(module), name)
    install()
    install()
    assert len(told) == 1
    assert name in told[0]["error"]
    assert any(_in_place())


@pytest.mark.parametrize("module", sorted({module for module, _ in NAMES}))
def test_a_module_that_is_gone_costs_a_warning_a_patch(told, monkeypatch, module):
    """A room of Streamlit that moved is no reason not to start."""
    monkeypatch.setitem(sys.modules, module, None)
    install()
    assert len(told) == len(BESIDE.get(module, "1"))
    assert all(module in line["error"] for line in told)


def test_to_look_in_vain_takes_no_time(told, monkeypatch):
    """All names gone: less than two milliseconds a patch."""
    for module, name in NAMES:
        monkeypatch.delattr(importlib.import_module(module), name)
    began = time.process_time()
    install()
    assert time.process_time() - began < 0.002 * len(streamlit_patches.PATCHES)
    assert len(told) == len(streamlit_patches.PATCHES)


def test_arguments_of_a_later_release_go_through(told):
    """What is asked in a new way is answered by Streamlit itself."""
    table = pa.table({"n": [1]})
    asked = []
    written = WrittenTables(lambda *args, **more: asked.append((args, more)) or b"x")
    assert written(table, compression="zstd") == written(table, compression="zstd") == b"x"
    assert len(asked) == 2
    theme = ThemeMessage(lambda *args, **more: asked.append((args, more)))
    theme(object(), "theme.light", depth=1)
    assert asked[-1][1] == {"depth": 1}
