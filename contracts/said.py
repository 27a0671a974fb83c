"""What requests and answers of calls between our processes are made of."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.keys import PATTERN

Key = Annotated[str, Field(pattern=f"^{PATTERN}$")]
Region = Literal["eu", "us"]
CellName = Annotated[str, Field(pattern=r"^[a-z]{2}-[0-9]{1,4}$")]
# What somebody or something is called. It goes into mails to addresses that nobody has confirmed, so it is one line:
# with lines of its own anybody could write letters in our name.
OneLine = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=120, pattern="^[^\\x00-\\x1f\\x7f-\\x9f\u2028\u2029]+$"
    ),
]
Count = Annotated[int, Field(ge=1)]


class Said(BaseModel):
    """Base of what goes in and out: nothing that is not named passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Done(Said):
    """It is so now, whether by this call or by an earlier one."""


class OfWorkspace(Said):
    """A request about one workspace."""

    workspace_id: UUID
