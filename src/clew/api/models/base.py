"""What every body has in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request's body: what it names beyond these fields is refused, so that nobody sets what is not theirs to set."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000)
