"""Signatures of webhooks, held against the reference package of Standard Webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks

from core.alert_settings import key_of
from core.errors import AccessError
from core.sources.outward import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
BODY = b'{"test": 2432232314}'


def test_the_vector_of_the_standard() -> None:
    """The example of its specification."""
    found = signing.sign(key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_reference_takes_what_we_sign_and_we_take_what_it_signs() -> None:
    """Also while one of two secrets goes out of use."""
    now = datetime.now(UTC)  # the reference asks the machine's clock
    made = signing.headers([key_of(OTHER), key_of(SECRET)], "msg_1", now, BODY)
    assert standardwebhooks.Webhook(SECRET).verify(BODY, made) == json.loads(BODY)
    theirs = standardwebhooks.Webhook(SECRET).sign("msg_2", now, BODY.decode())
    given = {**made, signing.ID: "msg_2", signing.SIGNATURE: theirs}
    assert signing.verify([key_of(OTHER), key_of(SECRET)], given, BODY, now) == "msg_2"


@pytest.mark.parametrize(
    "spoilt",
    [
        {signing.ID: "msg_2"},
        {signing.ID: ""},
        {signing.ID: "x" * 201},
        {signing.TIME: "now"},
        {signing.TIME: "1" * 400},
        {signing.TIME: str(int(NOW.timestamp()) - 1)},
        {signing.SIGNATURE: ""},
        {signing.SIGNATURE: "v1,AAAA"},
        {signing.SIGNATURE: "v1,ÄÄ"},
    ],
)
def test_what_was_not_signed_so_is_refused(spoilt: dict[str, str]) -> None:
    """Whatever part of it was changed."""
    made = signing.headers([key_of(SECRET)], "msg_1", NOW, BODY)
    with pytest.raises(AccessError):
        signing.verify([key_of(SECRET)], made | spoilt, BODY, NOW)


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), -timedelta(minutes=6)])
def test_an_old_call_is_refused(late: timedelta) -> None:
    """Five minutes either way are taken."""
    made = signing.headers([key_of(SECRET)], "msg_1", NOW, BODY)
    assert signing.verify([key_of(SECRET)], made, BODY, NOW + timedelta(minutes=4))
    with pytest.raises(AccessError, match="5 minutes"):
        signing.verify([key_of(SECRET)], made, BODY, NOW + late)


def test_another_key_or_body_is_refused() -> None:
    """The body to the last byte."""
    made = signing.headers([key_of(SECRET)], "msg_1", NOW, BODY)
    for keys, body in (([key_of(OTHER)], BODY), ([key_of(SECRET)], BODY + b" "), ([], BODY)):
        with pytest.raises(AccessError):
            signing.verify(keys, made, body, NOW)
