"""The settings of access: who is let in, how, and how often they may ask."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from core.addresses import web_address

RoleName = Literal["viewer", "analyst", "trader", "admin"]
Rate = Annotated[str, Field(pattern=r"^[1-9]\d{0,6}/(second|minute|hour)$")]
_ORIGIN = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:[1-9]\d{0,4})?")
_OWN_PORT = {"http": ":80", "https": ":443"}


class AccessSettings(BaseModel):
    """Ways in, roles and limits."""

    access: Literal["open", "token", "oidc"] = Field(
        "open",
        description="who is let in: `open` (whoever is on this machine, as admin; the desk then "
        "listens on loopback only), `token` (who has a token of `token add`) or `oidc` (who signs "
        "in at a provider for pages, tokens for the rest)",
    )
    oidc_issuer: str = Field(
        "", description="the OpenID provider, as it names itself, e.g. https://login.example"
    )
    oidc_client_id: str = Field("", description="what the provider knows this desk as")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="its secret there; better as a secret file"
    )
    oidc_role_claim: str = Field("groups", description="the claim that names somebody's groups")
    oidc_roles: Annotated[tuple[tuple[str, RoleName], ...], NoDecode] = Field(
        (), description="role of each group, e.g. desk-traders=trader, everyone=viewer"
    )
    command_token: SecretStr = Field(
        SecretStr(""),
        description="whose word the command line acts on: a token of `token add`, with its role; "
        "empty: that of desk.json, which is admin",
    )
    limit_principal: Rate = Field(
        "1200/minute", description="how often one principal may ask the API, as NUMBER/minute"
    )
    limit_address: Rate = Field(
        "2400/minute", description="how often one address may, whoever asks from there"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="addresses or networks of proxies in front, with commas, e.g. 127.0.0.1, "
        "10.0.0.0/8; what they say of a request's address and TLS is believed, of no one else",
    )
    proxy_user_header: str = Field(
        "",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$|^$",
        description="the header by which a trusted proxy says who has signed in there, e.g. "
        "X-Forwarded-User; empty: none is believed. It counts from trusted_proxies alone",
    )
    proxy_groups_header: str = Field(
        "X-Forwarded-Groups",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$",
        description="the header with their groups, with commas; oidc_roles says their roles",
    )
    workspace_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="sites whose pages may read /api/openbb with a token, with commas, e.g. "
        "https://pro.openbb.co; empty: none",
    )
    session_hours: float = Field(
        12.0, gt=0, le=720, description="how long a browser stays signed in"
    )

    four_eyes_over: Decimal | None = Field(
        None,
        ge=0,
        lt=10**12,
        allow_inf_nan=False,
        description="a plan that with what is approved or held of its symbol comes to a larger "
        "notional (account currency) is approved by another than who proposed it; without it one "
        "person may do both",
    )

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [pair.rpartition("=") for pair in re.split(r"\s*,\s*", value.strip()) if pair]
        if any(not group for group, _, _ in pairs):
            raise ValueError("oidc_roles is a list of GROUP=ROLE with commas")
        return [(group.strip(), role.strip()) for group, _, role in pairs]

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        if value:
            web_address(value)
        return value  # as the provider writes it: its tokens name it so, to the last /

    @model_validator(mode="after")
    def _a_provider_is_named(self) -> Self:
        if self.access != "oidc":
            return self
        if not (self.oidc_issuer and self.oidc_client_id and self.oidc_roles):
            raise ValueError("oidc needs oidc_issuer, oidc_client_id and oidc_roles")
        here = re.match(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", self.oidc_issuer)
        if not self.oidc_issuer.startswith("https://") and not here:
            raise ValueError("oidc_issuer must be https, or on this machine")
        return self

    @model_validator(mode="after")
    def _a_proxy_is_listed(self) -> Self:
        if self.proxy_user_header and (self.access == "open" or not self.trusted_proxies):
            raise ValueError(
                "proxy_user_header needs trusted_proxies, and OPENBELL_ACCESS not open"
            )
        return self

    @model_validator(mode="after")
    def _two_are_there(self) -> Self:
        if self.four_eyes_over is not None and self.access == "open":
            raise ValueError("four_eyes_over needs OPENBELL_ACCESS=token: open knows one person")
        return self

    @field_validator("workspace_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """As browsers write them: scheme, host, and a port that is not the scheme's own."""
        for origin in value:
            if not _ORIGIN.fullmatch(origin) or origin.endswith(_OWN_PORT[origin.split(":")[0]]):
                raise ValueError(
                    f"{origin!r} is not the origin of a site, such as https://pro.openbb.co "
                    "(no path, no port that goes without saying, no *)"
                )
        return value

    @field_validator("trusted_proxies", "workspace_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [x for x in re.split(r"[\s,]+", value) if x] if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            try:
                ipaddress.ip_network(entry)
            except ValueError:
                raise ValueError(f"{entry!r} is neither an address nor a network") from None
        return value
