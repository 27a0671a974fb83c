"""What requests and answers of calls between our processes are made of."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.keys import PATTERN

Key = Annotated[str, Field(pattern=f"^{PATTERN}$")]
Region = Literal["eu", "us"]
CellName = Annotated[str, Field(pattern=r"^[a-z]{2}-[0-9]{1,4}$")]
Count = Annotated[int, Field(ge=1)]


class Said(BaseModel):
    """Base of what goes in and out: nothing that is not named passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Done(Said):
    """It is so now, whether by this call or by an earlier one."""


class OfWorkspace(Said):
    """A request about one workspace."""

    workspace_id: UUID
