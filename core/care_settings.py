"""The settings of care: backups, and traces of what the desk does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator

from core.addresses import web_address

_KEY = re.compile(r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", re.IGNORECASE)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_ROTATION = re.compile(r"(\d{1,4}d)?\s*(\d{1,4}w)?\s*(\d{1,4}m)?")


class BackupSettings(BaseModel):
    """Backups and the upkeep of a lake, which are made by themselves."""

    lake_upkeep_time: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = Field(
        "02:30",
        description="New York clock time at which small files of a lake are merged and old "
        "snapshots forgotten; empty for never",
    )
    lake_keep_days: int = Field(
        7,
        ge=0,
        le=36500,
        description="how long a lake keeps its old snapshots, and the files they need",
    )

    backup_time: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = Field(
        "18:30", description="New York clock time of the daily backup; empty for none"
    )
    backup_kind: Literal["whole", "incremental"] = Field(
        "whole",
        description="whole: each backup is a copy of its own; incremental: tables as pieces that "
        "backups share, of which those that changed are written",
    )
    backup_keep: str = Field(
        "7d 4w 12m",
        description="of how many days, weeks and months the newest timed backup is kept",
    )

    backup_url: str = Field(
        "", description="second place of backups: a folder, file:///PATH or s3://BUCKET/PREFIX"
    )
    backup_key: SecretStr | None = Field(
        None,
        description="age key (AGE-SECRET-KEY-1…) that backups are encrypted with; those after the "
        "first, each in a line, open older backups, so that it can be changed",
    )

    @field_validator("backup_key")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        """An empty secret file is no key."""
        keys = value.get_secret_value().split() if value else []
        if not all(_KEY.fullmatch(key) for key in keys):
            raise ValueError(
                "must be an age key, AGE-SECRET-KEY-1 and 58 letters (backup --new-key makes one), "
                "older ones in lines after it"
            )
        return SecretStr("\n".join(keys)) if keys else None

    @field_validator("backup_url")
    @classmethod
    def _place(cls, value: str) -> str:
        parts = urlsplit(value)
        if not value:
            return value
        if not value.isprintable() or parts.query or parts.fragment:
            raise ValueError("must be a folder, file:///PATH or s3://BUCKET/PREFIX")
        if parts.scheme not in ("", "file", "s3") or (
            parts.scheme == "s3" and not _BUCKET.fullmatch(parts.netloc)
        ):
            raise ValueError("must be a folder, file:///PATH or s3://BUCKET/PREFIX")
        if parts.scheme == "file" and (parts.netloc or parts.path in ("", "/")):
            raise ValueError("must name a folder after file://")
        return value

    @field_validator("backup_keep")
    @classmethod
    def _rotation(cls, value: str) -> str:
        if not (_ROTATION.fullmatch(value.strip()) and re.search("[1-9]", value)):
            raise ValueError("must be counts of days, weeks and months like 7d 4w 12m")
        return value


class TraceSettings(BaseModel):
    """Traces: off unless one of these is set."""

    otlp_url: str = Field(
        "", description="collector of OpenTelemetry that takes traces over HTTP, e.g. on port 4318"
    )
    trace_file: Path | None = Field(
        None, description="file that gets one JSON line a span; at 64 MB it is begun anew"
    )

    @field_validator("otlp_url")
    @classmethod
    def _collector(cls, value: str) -> str:
        return web_address(value) if value else value
