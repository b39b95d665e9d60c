"""The settings of how a desk runs: where, with what that is being tried out, and what it keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from core.addresses import Storage, web_address

Environment = Literal["dev", "staging", "prod"]
BY_ENVIRONMENT: Mapping[str, Mapping[str, Any]] = {  # defaults; what is set stands above them
    "dev": {},
    "staging": {"access": "token"},
    "prod": {"access": "token", "log_level": "INFO", "log_format": "json"},
}


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that is being tried out: what it does, and the version that brought it.

    It is retired (made the rule, or taken out) within two minor versions; a test knows.
    """

    since: str
    what: str


FEATURES: Mapping[str, Feature] = {
    "alert_html": Feature("0.1.0", "Letters of the brief have a page of HTML beside the text."),
}


class RunningSettings(BaseModel):
    """How the desk runs."""

    environment: Environment = Field(
        "dev",
        description="`staging` and `prod` ask everybody to sign in unless OPENBELL_ACCESS says "
        "otherwise; `prod` refuses simulated data",
    )
    role: Literal["all", "engine", "desk"] = Field(
        "all",
        description="`engine` pulls and writes, one of several at a time; `desk` shows pages and "
        "hands what changes something to the engine; both need a lake and a queue in Redis",
    )
    lake_endpoint: str = Field(
        "", description="server of S3 for a lake with data=s3://…, as http(s)://HOST:PORT; "
        "none: Amazon's",
    )  # fmt: skip
    lake_region: str = Field("", description="region of that S3")
    lake_key_id: str = Field("", description="key of that S3")
    lake_secret: SecretStr = Field(SecretStr(""), description="secret of that key")
    answer_seconds: float = Field(
        15.0, gt=0, le=600, description="how long a desk waits for an engine to begin what it asks"
    )
    features: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="what is tried out beside the rule, by name, with commas; see Preferences"
    )
    log_output: Literal["stderr", "stdout"] = Field(
        "stderr", description="where a served desk writes its log; commands always use stderr"
    )
    error_sink: SecretStr | None = Field(
        None, description="address (DSN) of a server that takes errors as Sentry does; none: off"
    )
    pulls_keep_days: float = Field(
        400.0, gt=0, le=36500, description="days that pulls which changed nothing, and rejected "
        "rows, are kept; pulls that rows come from stay",
    )  # fmt: skip
    scans_keep_days: float = Field(
        1830.0, gt=0, le=36500, description="days that scans and their candidates are kept"
    )

    @field_validator("features", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return json.loads(value)
            except ValueError:
                raise ValueError("must be names with commas between them") from None
        return [name for name in re.split(r"[\s,]+", value) if name]

    @field_validator("lake_endpoint")
    @classmethod
    def _server(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^@/?#\s]+/?", value):
            raise ValueError("must be like http://HOST:PORT, without keys and path")
        return web_address(value) if value else value

    @property
    def storage(self) -> Storage:
        """How the S3 of a lake is reached."""
        keys = (self.lake_key_id, self.lake_secret.get_secret_value())
        return Storage(self.lake_endpoint, self.lake_region, *keys)

    @field_validator("features")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in FEATURES:
                raise ValueError(f"{name!r} is not tried out; there are: {', '.join(FEATURES)}")
        return value

    @field_validator("error_sink")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value().strip() if value else ""
        if text and not re.fullmatch(r"https?://[^@/\s]+@[^/\s]+(/[^\s]*)?/\d+", text):
            raise ValueError("must be like https://KEY@HOST/PROJECT")
        return value if text else None

    def tries(self, feature: str) -> bool:
        """Whether something is tried out; KeyError for what is not known."""
        return FEATURES[feature] is not None and feature in self.features
