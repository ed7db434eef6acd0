"""How signing in is guarded beyond passwords, as settings: a part of `clew.kernel.settings.Settings`."""

from pydantic import Field
from pydantic_settings import BaseSettings


class IdentitySettings(BaseSettings):
    """Second factors."""

    totp_drift_steps: int = Field(
        1,
        ge=0,
        le=1,
        description="Steps of half a minute by which a code of a second factor may be early or late. 0: a code counts "
        "for its own 30 seconds only, as OWASP ASVS 6.5.5 wants it; devices and server then need good clocks.",
    )
