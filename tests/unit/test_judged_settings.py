"""Settings that would only fail when they are used: each is told at start, by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core import settings
from core.errors import SettingsError
from core.service.care import places
from core.service.care.commands import doctor_command
from core.service.desk import Desk
from tests import command_server

KEY = "whsec_" + "A" * 32


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"notify": "a=json://h/1 a=json://h/2"}, "OPENBELL_NOTIFY"),
        ({"notify_webhooks": f"https://h:99999/x {KEY}"}, "OPENBELL_NOTIFY_WEBHOOKS"),
        ({"notify_webhooks": f"http://[::1 {KEY}"}, "OPENBELL_NOTIFY_WEBHOOKS"),
        ({"notify_webhooks": f"x=https://a/ {KEY} x=https://b/ {KEY}"}, "OPENBELL_NOTIFY_WEBHOOKS"),
        ({"backup_url": "s3://NO BUCKET/x"}, "OPENBELL_BACKUP_URL"),
        ({"min_gap_pct": 50}, "OPENBELL_MIN_GAP_PCT"),
        ({"min_price": 5, "max_price": 4}, "OPENBELL_MAX_PRICE"),
        ({"sec_user_agent": "me\nX-Other: 1"}, "OPENBELL_SEC_USER_AGENT"),
        ({"trader": "a\x07"}, "OPENBELL_TRADER"),
        ({"lake_keep_days": 10**9}, "OPENBELL_LAKE_KEEP_DAYS"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given: dict[str, object], named: str) -> None:
    """Before anything is opened, not in the night when it is first used."""
    with pytest.raises(SettingsError, match=named):
        settings.load(**given)


@pytest.mark.parametrize("address", ["nosuch://place", "ann=slack://x", "mailtos://@"])
def test_an_address_that_nothing_can_send_to_is_told(address: str) -> None:
    """The library's own words are not repeated: they hold the address with its password."""
    with pytest.raises(SettingsError, match="OPENBELL_NOTIFY"):
        places.must_be_known(settings.load(notify=address))


def test_good_addresses_are_counted() -> None:
    """Of both kinds."""
    assert places.told(settings.load()).startswith("none outside")
    chosen = settings.load(notify="json://h/1 ann=mailto://a:b@h.example", notify_webhooks="")
    assert places.told(chosen) == "2 outside"


def test_a_desk_does_not_start_with_such_an_address(tmp_path: Path) -> None:
    """One sentence and the code 2; nothing was made in the data folder."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("OPENBELL_")}
    env |= {"OPENBELL_DATA_DIR": str(tmp_path / "desk"), "OPENBELL_NOTIFY": "nosuch://place"}
    done = command_server.run(("serve", "--port", "0"), env)
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert "OPENBELL_NOTIFY (nosuch://…)" in said
    assert "Traceback" not in said
    assert not (tmp_path / "desk" / "desk.duckdb").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"notify": "nosuch://place"}, "OPENBELL_NOTIFY"),
        ({"scan_dataset": "nosuch"}, "OPENBELL_SCAN_DATASET names 'nosuch'"),
        ({"webhook_secrets": f"nosuch={KEY}"}, "OPENBELL_WEBHOOK_SECRETS names 'nosuch'"),
        ({}, ""),
    ],
)
def test_the_doctor_tells_them_of_a_desk_that_is_on(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    """A setting that names a dataset is held against the catalogue."""
    with Desk.open(
        settings.load(data_dir=tmp_path, foundry_url="http://127.0.0.1:9", **given)
    ) as on:
        checks = doctor_command(on).document["checks"]
    wrong = [check["message"] for check in checks if not check["ok"]]
    mine = [message for message in wrong if message.startswith(("an address", "OPENBELL_"))]
    assert len(mine) == (1 if said else 0)
    assert all(said in message for message in mine)
