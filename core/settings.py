"""All settings of Openbell: the only place that reads the environment.

Sources, first wins: keyword arguments, environment (`OPENBELL_*`), `.env` in the working folder,
secret files `/run/secrets/openbell_*`, defaults. Every default works offline.
Each room's settings stand in a section class below; `Settings` joins them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ByteSize,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic import ValidationError as PydanticError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from core import addresses, places, setting_files
from core.access_settings import AccessSettings
from core.alert_settings import AlertSettings
from core.care_settings import BackupSettings, TraceSettings
from core.errors import SettingsError
from core.gap_settings import GapSettings
from core.risk_settings import RiskSettings
from core.running_settings import BY_ENVIRONMENT, RunningSettings

PREFIX = setting_files.PREFIX
SECRETS_DIR = Path("/run/secrets")
_HOST_NAME = re.compile(
    r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[?[0-9a-f]*:[0-9a-f:.]*\]?", re.IGNORECASE
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class DeskSettings(BaseModel):
    """Where the desk lives and listens."""

    data_dir: Path = Field(
        places.data() / "desk", description="database, queue and its log, token, backups"
    )
    catalogue: Path = Field(places.catalogues() / "catalogue.toml", description="the datasets")
    host: str = Field("127.0.0.1", description="address the desk listens on")
    port: int = Field(8501, ge=0, le=65535, description="port the desk listens on")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="names the desk answers for beside this machine's own, with commas or as JSON "
        "list; `*.` in front takes all below a name, `*` any",
    )
    store_url: str = Field(
        "",
        description="duckdb:///PATH, or ducklake:postgresql://HOST:PORT/DATABASE?data=FOLDER "
        "(or data=s3://BUCKET/PREFIX); default: in the data folder",
    )
    queue_url: str = Field(
        "",
        description="sqlite:///PATH, or redis://HOST:PORT/DB?prefix=NAME for jobs in Redis; "
        "default: in the data folder",
    )
    log_format: Literal["json", "console"] = Field("json", description="json or console")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least level written"
    )
    follow_seconds: float = Field(
        2.0, ge=0, le=3600, description="how often open pages look for news; 0: never"
    )
    simulated: bool = Field(False, description="label everything as simulated data")
    clock_offset_seconds: float = Field(
        0.0,
        allow_inf_nan=False,
        ge=-(10**9),
        le=10**9,
        description="how far the desk's clock is ahead of the machine's; set by `demo --at`",
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return _json(value)
        return [name for name in re.split(r"[\s,]+", value) if name]

    @field_validator("allowed_hosts")
    @classmethod
    def _bare(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is not the name of a host (without scheme, port and path)"
                )
        return tuple(name.lower().strip("[]") for name in value)


class TransportSettings(BaseModel):
    """How the outside world is asked."""

    foundry_url: str = Field(
        "http://project-fdt-container:8888/fdtc-api", description="Foundry container, with prefix"
    )
    foundry_headers: dict[str, str] = Field(
        default_factory=dict, description="extra request headers as JSON, e.g. for a proxy"
    )
    foundry_token: SecretStr | None = Field(None, description="bearer token for a proxy in front")
    foundry_verify_tls: bool = Field(True, description="check the container's certificate")
    foundry_idle_seconds: float = Field(90.0, gt=0, description="longest silence of the container")
    foundry_total_seconds: float = Field(3600.0, gt=0, description="longest pull in all")
    foundry_max_bytes: int = Field(4 * 1024**3, gt=0, description="largest dataset accepted")
    foundry_counts: Path | None = Field(
        None, description="folder in which desks of one container share announced row counts"
    )
    foundry_use_zip: bool = Field(False, description="download the ZIP first, not the CSV")
    sec_user_agent: str = Field("", description="your name and e-mail, as the SEC asks")
    sec_data_url: str = Field("https://data.sec.gov", description="SEC data host")
    sec_www_url: str = Field("https://www.sec.gov", description="SEC web host")
    sec_requests_per_second: float = Field(8.0, gt=0, le=10, description="at most 10 by SEC rules")
    sec_timeout_seconds: float = Field(60.0, gt=0, description="longest wait for one SEC answer")
    sec_block_seconds: float = Field(600.0, gt=0, description="pause after an SEC 403")
    sec_texts: int = Field(12, ge=0, le=100, description="candidates whose filings are read")
    retries: int = Field(5, ge=0, le=20, description="tries again after a passing failure")
    retry_base_seconds: float = Field(0.5, ge=0, description="first wait; doubles, with jitter")
    retry_max_seconds: float = Field(60.0, ge=0, description="longest wait between tries")


class SqlSettings(BaseModel):
    """What one query of `sql` may take."""

    sql_seconds: float = Field(10.0, gt=0, le=3600, description="longest query of `sql`")
    sql_max_rows: int = Field(100_000, ge=1, le=10**7, description="most rows a query gives")
    sql_memory: ByteSize = Field(
        ByteSize(512 * 2**20),
        ge=64 * 2**20,
        description="most memory of a query, e.g. 512MiB; its process has it, not the desk",
    )


class JobSettings(BaseModel):
    """Queue, worker and scheduler."""

    workers: int = Field(4, ge=1, le=32, description="jobs at a time")
    scheduler: bool = Field(True, description="run the schedules of the catalogue")
    grace_seconds: float = Field(10.0, ge=0, description="time to finish jobs on shutdown")


class EventSettings(BaseModel):
    """What is kept of what happened."""

    events_keep_days: float = Field(400.0, gt=0, le=36500, description="days that events are kept")


class Settings(
    DeskSettings,
    RunningSettings,
    AccessSettings,
    TransportSettings,
    SqlSettings,
    JobSettings,
    BackupSettings,
    TraceSettings,
    EventSettings,
    AlertSettings,
    GapSettings,
    RiskSettings,
    BaseSettings,
):
    """Every setting of the desk; see docs/settings.md."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    @field_validator("data_dir", "catalogue", "foundry_counts", "trace_file", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """An empty path would be the working folder, whatever that is."""
        text = str(value) if isinstance(value, str | Path) else "?"
        if not text.strip() or not text.isprintable():
            raise ValueError("must name a file or folder, without control characters")
        return value

    @field_validator("data_dir", "catalogue", "foundry_counts", "trace_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @field_validator("data_dir", "foundry_counts", "trace_file")
    @classmethod
    def _of_its_kind(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return setting_files.of_its_kind(value, folder=info.field_name != "trace_file")

    @field_validator("foundry_headers")
    @classmethod
    def _headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of a header")
            _must_fit_a_header(text)
        return value

    @field_validator("sec_user_agent")
    @classmethod
    def _contact(cls, value: str) -> str:
        """The name may have any letters; a line of its own would be a header of its own."""
        if not value.strip().isprintable():
            raise ValueError("must be one line of printable characters")
        return value.strip()

    @field_validator("foundry_url", "sec_data_url", "sec_www_url")
    @classmethod
    def _http(cls, value: str) -> str:
        return addresses.web_address(value)

    @field_validator("foundry_token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        """An empty secret file, as of a container without a token, is no token."""
        if value is None or not value.get_secret_value().strip():
            return None
        _must_fit_a_header(value.get_secret_value())
        return value

    @model_validator(mode="before")
    @classmethod
    def _of_environment(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The environment's defaults, below whatever is set."""
        return {**BY_ENVIRONMENT.get(str(values.get("environment", "")), {}), **values}

    @model_validator(mode="after")
    def _is_real(self) -> Settings:
        if self.environment == "prod" and self.simulated:
            raise SettingsError(f"{PREFIX}SIMULATED does not go with {PREFIX}ENVIRONMENT=prod")
        return self

    @model_validator(mode="after")
    def _one_of_many(self) -> Settings:
        if self.role != "all" and not (self.lake and self.redis_url):
            urls = f"set {PREFIX}STORE_URL=ducklake:… and {PREFIX}QUEUE_URL=redis:…"
            needs = "needs a store in a lake and a queue in Redis"
            raise SettingsError(f"{PREFIX}ROLE={self.role} {needs}", hint=urls)
        return self

    @model_validator(mode="after")
    def _paths(self) -> Settings:
        """A malformed address of store or queue is told at once, not when it is first used."""
        if self.store_path == self.queue_path:
            both = f"{PREFIX}STORE_URL and {PREFIX}QUEUE_URL"
            raise SettingsError(f"{both} name one file: {self.store_path}")
        return self

    @property
    def listens_here_only(self) -> bool:
        """Whether only this machine can reach the desk."""
        return addresses.is_loopback(self.host)

    @property
    def store_path(self) -> Path:
        """The DuckDB file; of a store in DuckLake what stands for it in the data folder."""
        address = "" if self.lake else self.store_url
        return addresses.file_of(address, "duckdb", self.data_dir / "desk.duckdb")

    @property
    def lake(self) -> addresses.LakeAddress | None:
        """Where the store is in DuckLake; None when it is in a file."""
        in_lake = self.store_url.startswith(addresses.LAKE)
        return addresses.LakeAddress(self.store_url, self.storage) if in_lake else None

    @property
    def queue_path(self) -> Path:
        """The SQLite file of the queue; with jobs in Redis it keeps the mark of the store."""
        address = "" if self.redis_url else self.queue_url
        return addresses.file_of(address, "sqlite", self.data_dir / "queue.sqlite")

    @property
    def redis_url(self) -> str:
        """Where jobs are in Redis; empty when they are in a file."""
        return addresses.redis_of(self.queue_url)


def must_be_guarded(chosen: Settings) -> None:
    """SettingsError when others would reach a desk whose every visitor is its admin."""
    if chosen.access == "open" and not chosen.listens_here_only:
        raise SettingsError(
            f"{PREFIX}ACCESS is open, and {PREFIX}HOST={chosen.host} would let others in to do "
            "everything",
            hint=f"set {PREFIX}ACCESS=token and make a token (python -m app token add NAME --role "
            f"admin), or {PREFIX}HOST=127.0.0.1",
        )


def load(**overrides: Any) -> Settings:
    """Settings from all sources; SettingsError names one that is unknown or malformed."""
    if setting_files.check({PREFIX + n.upper() for n in Settings.model_fields}, SECRETS_DIR):
        overrides["_secrets_dir"] = SECRETS_DIR
    try:
        return Settings(**overrides)
    except PydanticError as error:
        raise SettingsError(_sentence(error)) from None
    except SourceError as error:
        raise SettingsError(_of_source(error)) from None


def _must_fit_a_header(text: str) -> None:
    """Refuse what no request can carry; pulls would fail for it as if the other side were down."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("must be printable ASCII in one line, as headers of requests are")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError("must be names with commas between them, or a JSON list") from None


def _of_source(error: SourceError) -> str:
    """pydantic-settings names the field in quotes, and quotes no value."""
    found = re.search(r'field "(\w+)"', str(error))
    name = PREFIX + found[1].upper() if found else "a setting"
    return f"{name} is malformed: it must be JSON"


def _sentence(error: PydanticError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "a setting"
    return f"{name} is malformed: {first['msg'].removeprefix('Value error, ')}"
