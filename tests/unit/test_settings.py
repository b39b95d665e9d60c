"""Settings: defaults that work offline, one sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

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
    ],
)
def test_malformed_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value that does not fit stops the start with the setting's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
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
