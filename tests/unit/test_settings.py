"""Settings: defaults that work offline, one sentence for each mistake."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from core import settings
from core.errors import SettingsError


def test_every_default_is_valid() -> None:
    """The desk can be configured with nothing at all."""
    chosen = settings.load()
    assert chosen.port == 8501
    assert chosen.store_path == chosen.data_dir / "desk.duckdb"


def test_environment_wins_over_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable OPENBELL_NAME sets the setting of that name."""
    monkeypatch.setenv("OPENBELL_FOUNDRY_IDLE_SECONDS", "75")
    assert settings.load().foundry_idle_seconds == 75


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENBELL_PORT", "eighty"),
        ("OPENBELL_PORT", "70000"),
        ("OPENBELL_FOUNDRY_URL", "ftp://x"),
        ("OPENBELL_SEC_REQUESTS_PER_SECOND", "11"),
        ("OPENBELL_LOG_FORMAT", "xml"),
        ("OPENBELL_RETRIES", "-1"),
        ("OPENBELL_FOUNDRY_URL", "http://"),
        ("OPENBELL_FOUNDRY_URL", "http://["),
        ("OPENBELL_FOUNDRY_URL", "http://h:99999/x"),
        ("OPENBELL_FOUNDRY_URL", "http://h h/x"),
        ("OPENBELL_FOUNDRY_URL", "http://h/x?y"),
        ("OPENBELL_SEC_DATA_URL", "https://h:port"),
        ("OPENBELL_SEC_WWW_URL", "https://h\nx"),
        ("OPENBELL_OTLP_URL", "http://h:99999"),
        ("OPENBELL_OTLP_URL", "http://a b/"),
        ("OPENBELL_OTLP_URL", "http://h/x?y"),
        ("OPENBELL_LAKE_ENDPOINT", "http://[::1"),
        ("OPENBELL_LAKE_ENDPOINT", "http://h:port"),
        ("OPENBELL_OIDC_ISSUER", "login.example"),
        ("OPENBELL_OIDC_ISSUER", "https://h:0/x"),
        ("OPENBELL_STORE_URL", "ducklake:"),
        ("OPENBELL_STORE_URL", "ducklake:postgresql://h:99999/d?data=/x"),
        ("OPENBELL_STORE_URL", "ducklake:postgresql://[h/d?data=/x"),
        ("OPENBELL_STORE_URL", "duckdb:///:memory:"),
        ("OPENBELL_QUEUE_URL", "redis://h/number"),
        ("OPENBELL_STORE_URL", "postgres://x"),
        ("OPENBELL_STORE_URL", "duckdb:///"),
        ("OPENBELL_QUEUE_URL", "sqlite:/x"),
        ("OPENBELL_FX_RATES", "not json"),
        ("OPENBELL_FOUNDRY_HEADERS", "[1]"),
        ("OPENBELL_ALLOWED_HOSTS", "http://desk.example"),
        ("OPENBELL_ALLOWED_HOSTS", "desk.example:80"),
        ("OPENBELL_ALLOWED_HOSTS", "[desk.example"),
        ("OPENBELL_ALLOWED_HOSTS", "a*.example"),
        ("OPENBELL_DATA_DIR", ""),
        ("OPENBELL_DATA_DIR", " "),
        ("OPENBELL_DATA_DIR", "a\nb"),
        ("OPENBELL_DATA_DIR", __file__),
        ("OPENBELL_TRACE_FILE", "/etc"),
        ("OPENBELL_FOUNDRY_COUNTS", __file__),
        ("OPENBELL_CATALOGUE", ""),
        ("OPENBELL_FOUNDRY_COUNTS", ""),
        ("OPENBELL_FOUNDRY_TOKEN", "two\nlines"),
        ("OPENBELL_FOUNDRY_TOKEN", "t\u00f6ken"),
        ("OPENBELL_FOUNDRY_HEADERS", '{"a b": "c"}'),
        ("OPENBELL_FOUNDRY_HEADERS", '{"": "c"}'),
        ("OPENBELL_FOUNDRY_HEADERS", '{"a": "b\\r\\nc: d"}'),
    ],
)
def test_malformed_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value that does not fit stops the start with the setting's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        settings.load()


def test_a_folder_in_one_that_is_closed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To root no folder is closed: the refusal is played."""

    def refuse(path: Path) -> bool:
        if path.name == "desk":
            raise PermissionError(13, "Permission denied")
        return os.path.lexists(path)

    monkeypatch.setenv("OPENBELL_DATA_DIR", str(tmp_path / "closed" / "desk"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refuse)
        with pytest.raises(SettingsError, match=r"OPENBELL_DATA_DIR .* cannot be looked at"):
            settings.load()


def test_store_and_queue_are_two_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One file for both is wrong use, not a folder that somebody else owns."""
    monkeypatch.setenv("OPENBELL_STORE_URL", f"duckdb:///{tmp_path}/one")
    monkeypatch.setenv("OPENBELL_QUEUE_URL", f"sqlite:///{tmp_path}/one")
    with pytest.raises(SettingsError, match="name one file"):
        settings.load()


def test_a_path_with_nul_in_a_secret_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No environment can hold it, a file can: a sentence all the same."""
    (tmp_path / "openbell_data_dir").write_bytes(b"/tmp/a\0b")
    monkeypatch.setattr(settings, "SECRETS_DIR", tmp_path)
    monkeypatch.delenv("OPENBELL_DATA_DIR", raising=False)
    with pytest.raises(SettingsError, match="OPENBELL_DATA_DIR"):
        settings.load()


def test_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt OPENBELL_ variable is refused."""
    monkeypatch.setenv("OPENBELL_PROT", "1")
    with pytest.raises(SettingsError, match="OPENBELL_PROT"):
        settings.load()


def test_unknown_setting_in_dotenv_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A misspelt line of .env is refused, a good one is used."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OPENBELL_PORT=9000\n")
    assert settings.load().port == 9000
    (tmp_path / ".env").write_text("OPENBELL_PROT=9000\n")
    with pytest.raises(SettingsError, match="OPENBELL_PROT"):
        settings.load()


def test_secret_files_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """/run/secrets/openbell_NAME gives a setting."""
    (tmp_path / "openbell_foundry_token").write_text("hidden\n")
    monkeypatch.setattr(settings, "SECRETS_DIR", tmp_path)
    token = settings.load().foundry_token
    assert token is not None
    assert token.get_secret_value() == "hidden"
    assert "hidden" not in repr(settings.load())


def test_store_url_chooses_the_file() -> None:
    """store_url and queue_url give absolute files; another scheme is refused."""
    assert settings.load(store_url="duckdb:////tmp/x.duckdb").store_path == Path("/tmp/x.duckdb")
    with pytest.raises(SettingsError, match="STORE_URL"):
        _ = settings.load(store_url="postgres://x").store_path


@pytest.mark.parametrize(
    "text",
    ["Desk.example, *.b.example", '["desk.example", "*.b.example"]', "desk.example *.b.example"],
)
def test_hosts_are_a_list_of_names(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With commas, blanks, or as JSON."""
    monkeypatch.setenv("OPENBELL_ALLOWED_HOSTS", text)
    assert settings.load().allowed_hosts == ("desk.example", "*.b.example")


def test_an_empty_secret_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container without a token may mount an empty file."""
    (tmp_path / "openbell_foundry_token").write_text("\n")
    (tmp_path / "of_another_program").mkdir()
    monkeypatch.setattr(settings, "SECRETS_DIR", tmp_path)
    assert settings.load().foundry_token is None


@pytest.mark.parametrize("kind", ["unknown", "folder", "pipe", "bytes", "forbidden"])
def test_a_secret_file_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """Unknown, not a file, not text, or of another owner: one sentence, never a traceback."""
    path = tmp_path / ("openbell_tokn" if kind == "unknown" else "openbell_foundry_token")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":  # reading it would wait for ever
        os.mkfifo(path)
    else:
        path.write_bytes(b"\xff\xfe" if kind == "bytes" else b"x")
    if kind == "forbidden":  # to root nothing is: the refusal is played

        def refuse(_: Path, **__: Any) -> str:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(settings, "SECRETS_DIR", tmp_path)
    with pytest.raises(SettingsError, match=path.name) as told:
        settings.load()
    assert "\n" not in str(told.value)


def test_a_dotenv_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder of that name, or bytes that are no text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"OPENBELL_PORT=\xff")
    with pytest.raises(SettingsError, match=r"\.env"):
        settings.load()
