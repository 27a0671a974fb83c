"""Forms that people fill in: what was typed comes back, and what is wrong with each field that cannot be used."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from quart import request

from kit.web.routes import fields

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Wrong:
    """Why a field cannot be used: pydantic's kind of error (`string_too_short`, ...) and the limits it names."""

    kind: str
    limits: dict[str, Any]  # such as {"min_length": 12}


@dataclass(frozen=True)
class Filled(Generic[M]):
    """A form that was sent: `value` where it can be used, else what was typed and what is wrong, by field."""

    value: M | None
    typed: dict[str, Any]  # text or lists of text, as the browser sent them
    wrong: dict[str, Wrong]


async def filled(model: type[M]) -> Filled[M]:
    """The form of the request at hand, as `model`."""
    typed = fields(model, await request.form)
    try:
        return Filled(model.model_validate(typed), typed, {})
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        return Filled(None, typed, {str(one["loc"][0]): Wrong(one["type"], one.get("ctx", {})) for one in found})
