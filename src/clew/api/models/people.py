"""Users, roles, invitations and sessions as the API takes and shows them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_FORBID = ConfigDict(extra="forbid")

Email = Annotated[str, Field(min_length=3, max_length=320, examples=["ann@lantern.example"])]
Username = Annotated[str, Field(min_length=1, max_length=64, examples=["ann"])]
FullName = Annotated[str, Field(max_length=320, examples=["Ann Keeper"])]
BuiltInRole = Annotated[
    str, Field(max_length=60, description="admin, analyst, user or readonly.", examples=["analyst"])
]
Codes = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=200, examples=[["entity:write"]])]


class UserModel(BaseModel):
    """A person of the caller's organization."""

    model_config = ConfigDict(title="User", from_attributes=True)

    id: UUID
    email: str = Field(examples=["ann@lantern.example"])
    username: str = Field(examples=["ann"])
    full_name: str | None = Field(examples=["Ann Keeper"])
    role: str = Field(description="The built-in role.", examples=["analyst"])
    is_active: bool
    is_verified: bool = Field(description="Whether the e-mail address was confirmed.")
    mfa_enabled: bool
    last_login: datetime | None
    created_at: datetime


class UserDetail(UserModel):
    """A person with all that they may do."""

    model_config = ConfigDict(title="UserDetail", from_attributes=True)

    custom_roles: list[str] = Field(examples=[["Tagger"]])
    permissions: list[str] = Field(examples=[["entity:read"]])


class NewUser(BaseModel):
    """Somebody to add. Without a password they get a link to choose one."""

    model_config = _FORBID

    username: Username
    email: Email
    full_name: FullName | None = None
    role: BuiltInRole = "user"
    password: Annotated[SecretStr, Field(min_length=1, max_length=1024)] | None = None


class AddedUser(UserDetail):
    """Somebody who was added."""

    model_config = ConfigDict(title="AddedUser", from_attributes=True)

    link: str | None = Field(
        None, description="Where they choose a password, shown this once; null if it was mailed, or none is needed."
    )


class UserChange(BaseModel):
    """What to change; what is not named stays. `full_name` may be null: no name."""

    model_config = _FORBID

    email: Email = Field("", description="A new address has to be confirmed again.")
    full_name: FullName | None = None


class RoleChoice(BaseModel):
    """A built-in role in place of the present one."""

    model_config = _FORBID

    role: BuiltInRole


class ResetLink(BaseModel):
    """A link by which somebody chooses a password."""

    expires_at: datetime
    link: str | None = Field(description="The address, shown this once; null if it was mailed.")


class RoleModel(BaseModel):
    """What a role allows."""

    model_config = ConfigDict(title="Role", from_attributes=True)

    id: UUID
    name: str = Field(examples=["Tagger"])
    description: str | None = Field(examples=["Tags entities"])
    is_builtin: bool
    permissions: list[str] = Field(examples=[["entity:write"]])


class NewRole(BaseModel):
    """A custom role to make."""

    model_config = _FORBID

    name: Annotated[str, Field(min_length=1, max_length=60, examples=["Tagger"])]
    description: Annotated[str, Field(max_length=500)] | None = None
    permissions: Codes = Field(default_factory=list)


class RoleChange(BaseModel):
    """What a custom role is to allow from now on, and what no more."""

    model_config = _FORBID

    add: Codes = Field(default_factory=list)
    remove: Codes = Field(default_factory=list)


class InvitationModel(BaseModel):
    """Who was asked in, and what came of it."""

    model_config = ConfigDict(title="Invitation", from_attributes=True)

    id: UUID
    email: str = Field(examples=["guest@lantern.example"])
    role: str = Field(examples=["user"])
    invited_by: UUID | None
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: UUID | None
    revoked_at: datetime | None
    created_at: datetime


class NewInvitation(BaseModel):
    """Somebody to ask in."""

    model_config = _FORBID

    email: Email
    role: BuiltInRole = "user"


class MadeInvitation(InvitationModel):
    """An invitation that was just made."""

    model_config = ConfigDict(title="MadeInvitation", from_attributes=True)

    link: str | None = Field(None, description="The address to open, shown this once; null if it was mailed.")


class UserSessionModel(BaseModel):
    """A session of somebody, while it lives."""

    model_config = ConfigDict(title="UserSession", from_attributes=True)

    id: UUID
    user_id: UUID
    created_at: datetime
    last_activity: datetime
    expires_at: datetime
    second_factor: bool
    client_ip: str | None = Field(examples=["192.0.2.7"])
    user_agent: str | None


class UserSessionList(BaseModel):
    """The live sessions of a user, newest first."""

    items: list[UserSessionModel]
    next_cursor: None = None


class RoleList(BaseModel):
    """The built-in roles and those of the organization."""

    items: list[RoleModel]
    next_cursor: None = None
