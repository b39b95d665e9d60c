"""Signatures of Standard Webhooks, both ways: HMAC-SHA256 over id, time and body.

See https://www.standardwebhooks.com. The reference package has six requirements for these lines;
tests hold ours against it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.errors import AccessError

ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = timedelta(minutes=5)
VERSION = "v1,"
LONGEST_ID = 200
_SECONDS = re.compile(r"[0-9]{1,12}")


def sign(key: bytes, message_id: str, seconds: int, body: bytes) -> str:
    """The signature `v1,…` of one message."""
    signed = f"{message_id}.{seconds}.".encode() + body
    return VERSION + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(keys: Iterable[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message, signed by every key."""
    seconds = int(at.timestamp())
    signatures = " ".join(sign(key, message_id, seconds, body) for key in keys)
    return {ID: message_id, TIME: str(seconds), SIGNATURE: signatures}


def verify(keys: Iterable[bytes], given: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that one of the keys has signed lately; AccessError says why not."""
    message_id, text = given.get(ID, ""), given.get(TIME, "")
    if not message_id or not given.get(SIGNATURE) or not _SECONDS.fullmatch(text):
        raise AccessError(
            "the call is not signed", hint=f"send {ID}, {TIME} and {SIGNATURE} (Standard Webhooks)"
        )
    if not message_id.isprintable() or not message_id.isascii() or len(message_id) > LONGEST_ID:
        raise AccessError(f"{ID} must be {LONGEST_ID} printable letters at most")
    if abs(now.timestamp() - int(text)) > TOLERANCE.total_seconds():
        raise AccessError(
            f"the call was signed more than {TOLERANCE.seconds // 60} minutes ago, or ahead",
            hint="set the clock of the caller, and sign anew for each call",
        )
    told = [word for word in given[SIGNATURE].split(" ")[:20] if word.isascii()]
    for key in keys:
        wanted = sign(key, message_id, int(text), body)
        if any(hmac.compare_digest(wanted, word) for word in told):
            return message_id
    raise AccessError("the signature is wrong", hint="see OPENBELL_WEBHOOK_SECRETS")
