"""The settings of access: who is let in, how, and how often they may ask."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Rate = Annotated[str, Field(pattern=r"^[1-9]\d{0,6}/(second|minute|hour)$")]


class AccessSettings(BaseModel):
    """Ways in, roles and limits."""

    access: Literal["open", "token"] = Field(
        "open",
        description="who is let in: `open` (whoever is on this machine, as admin; the desk then "
        "listens on loopback only) or `token` (who has a token of `token add`)",
    )
    limit_principal: Rate = Field(
        "1200/minute", description="how often one principal may ask the API, as NUMBER/minute"
    )
    limit_address: Rate = Field(
        "2400/minute", description="how often one address may, whoever asks from there"
    )
    session_hours: float = Field(
        12.0, gt=0, le=720, description="how long a browser stays signed in"
    )
