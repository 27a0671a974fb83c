"""Forms that people fill in: what was typed comes back with a word at each field that cannot be used."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from quart import request

from kit.web.problems import invalid
from kit.web.routes import fields

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Filled(Generic[M]):
    """A form that was sent: `value` where it can be used, else what was typed and what is wrong with it."""

    value: M | None
    typed: dict[str, Any]  # text or lists of text, as the browser sent them
    errors: dict[str, str]


async def filled(model: type[M]) -> Filled[M]:
    """The form of the request at hand, as `model`."""
    typed = fields(model, await request.form)
    try:
        return Filled(model.model_validate(typed), typed, {})
    except ValidationError as error:
        wrong = invalid(error).facts["errors"]
        assert isinstance(wrong, list)
        return Filled(None, typed, {one["field"].split(".")[0]: one["problem"] for one in wrong})
