"""People's own accounts, as the API shows and changes them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, SecretStr

from clew.api.models.base import Body
from clew.domains.identity.second_factor import Enrolment
from clew.domains.identity.sessions import Session
from clew.domains.identity.token_desk import TokenPair
from clew.domains.identity.users import User

_ID = "0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d"
_TIME = "2026-11-21T12:00:00Z"
LINK = "clew_link_9xJ2…"

Password = Annotated[SecretStr, Field(min_length=1, max_length=1024, examples=["seven lanterns in the harbour"])]
Code = Annotated[str, Field(min_length=1, max_length=64, examples=["492039"])]
LinkToken = Annotated[str, Field(min_length=1, max_length=200, examples=[LINK])]


class Credentials(Body):
    """What a person signs in with."""

    name: str = Field(min_length=1, max_length=320, description="User name or e-mail address.", examples=["ana"])
    password: Password
    code: Code | None = Field(None, description="Of the second factor, or a recovery code.", examples=["492039"])


class Profile(BaseModel):
    """A person's own account."""

    id: UUID = Field(examples=[_ID])
    organization_id: UUID = Field(examples=[_ID])
    email: str = Field(examples=["ana@harbour.example"])
    username: str = Field(examples=["ana"])
    full_name: str | None = Field(examples=["Ana Ng"])
    role: str = Field(examples=["analyst"])
    is_active: bool
    is_verified: bool
    mfa_enabled: bool
    last_login: datetime | None = Field(examples=[_TIME])
    created_at: datetime = Field(examples=[_TIME])

    @classmethod
    def of(cls, user: User) -> Self:
        """As the domain has it."""
        return cls.model_validate(user, from_attributes=True)


class ProfileChange(Body):
    """What is to be changed; what is left out stays."""

    full_name: str | None = Field(None, max_length=320, examples=["Ana Ng"])
    email: str | None = Field(None, max_length=320, examples=["ana@harbour.example"])
    password: Password | None = Field(None, description="The present one; needed for another e-mail address.")


class CallerModel(BaseModel):
    """Who is calling, and what they may do."""

    organization_id: UUID = Field(examples=[_ID])
    user_id: UUID = Field(examples=[_ID])
    username: str = Field(examples=["ana"])
    session_id: UUID | None = Field(examples=[_ID], description="None for an API key.")
    api_key_id: UUID | None = Field(examples=[None])
    permissions: list[str] = Field(examples=[["entity:read"]])
    must_enrol: bool = Field(
        default=False,
        description="A second factor is demanded: this session may set one up, nothing else.",
    )
    csrf_token: str | None = Field(
        examples=[None], description="With a cookie only: what unsafe requests repeat in X-CSRF-Token."
    )


class Entered(BaseModel):
    """A session began; its cookie came with this answer."""

    user_id: UUID = Field(examples=[_ID])
    session_id: UUID = Field(examples=[_ID])
    expires_at: datetime = Field(examples=[_TIME])
    csrf_token: str = Field(description="What unsafe requests repeat in X-CSRF-Token.", examples=["9f86d081884c7d65"])


class Tokens(BaseModel):
    """An access token and what it is exchanged for when it has expired (RFC 6749, section 5.1)."""

    access_token: str = Field(examples=["eyJhbGciOiJFZERTQSIs…"])
    token_type: str = Field("Bearer", examples=["Bearer"])
    expires_in: int = Field(description="Seconds.", examples=[300])
    refresh_token: str = Field(examples=["clew_refresh_9xJ2…"])

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        """As the desk hands them out."""
        return cls(
            access_token=pair.access_token,
            token_type="Bearer",  # noqa: S106 - a kind of token, not one
            expires_in=pair.expires_in,
            refresh_token=pair.refresh_token,
        )


class Refresh(Body):
    """A refresh token, which counts once."""

    refresh_token: str = Field(min_length=1, max_length=200, examples=["clew_refresh_9xJ2…"])


class JsonWebKeys(BaseModel):
    """The public keys that access tokens are signed with (RFC 7517)."""

    keys: list[dict[str, Any]] = Field(
        examples=[[{"kty": "OKP", "crv": "Ed25519", "kid": "a1b2", "use": "sig", "alg": "EdDSA", "x": "11qYAY…"}]]
    )


class PasswordChange(Body):
    """The present password and the one to come."""

    present: Password
    new: Password


class Renewed(BaseModel):
    """What goes on in place of the session that was: by cookie its new proof, by token new tokens."""

    session_id: UUID = Field(examples=[_ID])
    csrf_token: str | None = Field(None, examples=["9f86d081884c7d65"])
    tokens: Tokens | None = None


class PasswordProof(Body):
    """The present password: a session left open is not enough."""

    password: Password


class SecondFactorRemoval(Body):
    """Password and a code, or a recovery code."""

    password: Password
    code: Code


class SecondFactorCode(Body):
    """A code from the device that was just set up."""

    code: Code


class SecondFactorState(BaseModel):
    """Whether a second factor is in force."""

    enabled: bool
    recovery_codes_left: int = Field(examples=[10])


class EnrolmentModel(BaseModel):
    """What goes into the authenticator, shown this once."""

    secret: str = Field(examples=["JBSWY3DPEHPK3PXP"])
    uri: str = Field(examples=["otpauth://totp/Clew:ana%40harbour.example?secret=JBSWY3DPEHPK3PXP&issuer=Clew"])

    @classmethod
    def of(cls, enrolment: Enrolment) -> Self:
        """As the domain has it."""
        return cls(secret=enrolment.secret, uri=enrolment.uri)


class RecoveryCodes(BaseModel):
    """Codes for whoever lost the device; each counts once, and they are shown this once."""

    recovery_codes: list[str] = Field(examples=[["abcd-efgh-jkmn-pqrs"]])


class Confirmed(RecoveryCodes):
    """A second factor came in force, and the session goes on under a new id: as Renewed says."""

    session_id: UUID = Field(examples=[_ID])
    csrf_token: str | None = Field(None, examples=["9f86d081884c7d65"])
    tokens: Tokens | None = None


class SessionModel(BaseModel):
    """One of the caller's sessions."""

    id: UUID = Field(examples=[_ID])
    created_at: datetime = Field(examples=[_TIME])
    last_activity: datetime = Field(examples=[_TIME])
    expires_at: datetime = Field(examples=[_TIME])
    second_factor: bool
    client_ip: str | None = Field(examples=["198.51.100.7"])
    user_agent: str | None = Field(examples=["Mozilla/5.0"])
    current: bool = Field(description="Whether this request came in it.")

    @classmethod
    def of(cls, session: Session, current: UUID | None) -> Self:
        """As the domain has it."""
        fields = {name: getattr(session, name) for name in cls.model_fields if name != "current"}
        return cls(**fields, current=session.id == current)


class SettingsModel(BaseModel):
    """What the caller set, by key."""

    settings: dict[str, Any] = Field(examples=[{"theme": "dark"}])


class SettingValue(Body):
    """A value of JSON."""

    value: Any = Field(examples=["dark"])


class ResetRequest(Body):
    """The address of the account whose password was forgotten."""

    email: str = Field(min_length=1, max_length=320, examples=["ana@harbour.example"])


class Reset(Body):
    """The link's token and the new password."""

    token: LinkToken
    password: Password


class Verification(Body):
    """The link's token."""

    token: LinkToken


class Acceptance(Body):
    """The invitation's token, and the account to make of it."""

    token: LinkToken
    username: str = Field(min_length=1, max_length=64, examples=["ana"])
    password: Password
    full_name: str | None = Field(None, max_length=320, examples=["Ana Ng"])
