"""How campaigns are marked when they leave, as settings: a part of `clew.kernel.settings.Settings`."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class ExchangeSettings(BaseSettings):
    """The marking of what Clew itself found."""

    misp_distribution: int = Field(
        3, ge=0, le=3, description="Distribution of campaigns' MISP events: 0 own organization … 3 all communities."
    )
    misp_tlp: Literal["clear", "green", "amber", "amber+strict", "red"] = Field(
        "green", description="Traffic Light Protocol marking of campaigns that are exported, and sent to peers."
    )
