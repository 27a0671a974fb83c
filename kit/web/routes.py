"""Routes as a table: who may call stands in the signature, the body and the query are typed, the answer is returned.

A handler's first parameter is its subject: a class whose `identify` says who is calling or refuses. A parameter whose
type is a pydantic model is the body (JSON or form; the query string for GET). The rest come from the path.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Protocol, Self, TypeVar, get_args, get_origin, get_type_hints, runtime_checkable

from pydantic import BaseModel, ValidationError
from quart import Blueprint, Response, request
from quart_schema import document_querystring, document_request, document_response, hide, operation_id

from kit.web.problems import invalid

H = TypeVar("H", bound=Callable[..., Awaitable[Any]])  # handlers answer what Quart takes


@dataclass(frozen=True)
class Scope:
    """What a subject must be allowed besides being who it is: `Annotated[Machine, Scope("links:write")]`."""

    name: str


@runtime_checkable
class Subject(Protocol):
    """Who calls. `identify` looks at the request and raises a Refusal where that is not such a caller."""

    @classmethod
    async def identify(cls, scope: Scope | None, path: dict[str, Any]) -> Self:
        """The caller, from the request and the values in its path."""
        ...


@dataclass(frozen=True)
class Route:
    """One line of the table, for guards and documentation."""

    method: str
    rule: str
    subject: type
    scope: Scope | None
    handler: str


class Routes:
    """A noun's routes. `blueprint` is what the application registers."""

    def __init__(self, name: str) -> None:
        self.blueprint = Blueprint(name, name)
        self.table: list[Route] = []

    def get(self, rule: str, *, document: bool = False) -> Callable[[H], H]:
        """Declare a GET; it changes nothing, since mail scanners and prefetchers open links."""
        return self._route("GET", rule, document, 200)

    def post(self, rule: str, *, document: bool = False, status: int = 200) -> Callable[[H], H]:
        """Declare a POST."""
        return self._route("POST", rule, document, status)

    def patch(self, rule: str, *, document: bool = False) -> Callable[[H], H]:
        """Declare a PATCH."""
        return self._route("PATCH", rule, document, 200)

    def delete(self, rule: str, *, document: bool = False, status: int = 204) -> Callable[[H], H]:
        """Declare a DELETE."""
        return self._route("DELETE", rule, document, status)

    def _route(self, method: str, rule: str, document: bool, status: int) -> Callable[[H], H]:
        def register(handler: H) -> H:
            shape = _shape(handler, rule)
            self.table.append(Route(method, rule, shape.subject, shape.scope, handler.__qualname__))
            endpoint = f"{handler.__name__}_{len(self.table)}"
            view = _view(handler, shape, method, status)
            named = operation_id(f"{self.blueprint.name}_{handler.__name__}")
            view = named(_documented(view, shape, method, status)) if document else hide(view)
            self.blueprint.add_url_rule(rule, endpoint, view, methods=[method])
            return handler

        return register


@dataclass(frozen=True)
class _Shape:
    subject_name: str
    subject: Any  # a class with `identify`; Protocol classes cannot be told to mypy as type[Subject]
    scope: Scope | None
    body_name: str | None
    body: type[BaseModel] | None
    answer: Any


def _shape(handler: Callable[..., Any], rule: str) -> _Shape:
    hints = get_type_hints(handler, include_extras=True)
    answer = hints.pop("return", None)
    subject_name = next(iter(inspect.signature(handler).parameters), "")
    hint = hints.get(subject_name)
    scope = None
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
        scope = next((extra for extra in extras if isinstance(extra, Scope)), None)
    if not (isinstance(hint, type) and hasattr(hint, "identify")):
        raise TypeError(
            f"{handler.__qualname__} ({rule}) does not declare who may call it: "
            "give its first parameter a subject type, such as Agent, Admin or Anyone"
        )
    bodies = [(name, kind) for name, kind in hints.items() if inspect.isclass(kind) and issubclass(kind, BaseModel)]
    if len(bodies) > 1:
        raise TypeError(f"{handler.__qualname__} ({rule}) takes two bodies")
    name, body = bodies[0] if bodies else (None, None)
    return _Shape(subject_name, hint, scope, name, body, answer)


def _view(handler: Callable[..., Awaitable[Any]], shape: _Shape, method: str, status: int) -> Callable[..., Any]:
    @wraps(handler)
    async def view(**path: Any) -> Any:
        by = await shape.subject.identify(shape.scope, path)
        arguments = {**path, shape.subject_name: by}
        if shape.body is not None and shape.body_name is not None:
            arguments[shape.body_name] = await _read(shape.body, method)
        answer = await handler(**{name: arguments[name] for name in inspect.signature(handler).parameters})
        if isinstance(answer, BaseModel):
            return Response(answer.model_dump_json(), status, content_type="application/json")
        return Response(b"", status) if answer is None else answer

    return view


async def _read(model: type[BaseModel], method: str) -> BaseModel:
    try:
        if method == "GET":
            return model.model_validate(fields(model, request.args))
        if request.mimetype == "application/json":
            return model.model_validate_json(await request.get_data())
        return model.model_validate(fields(model, await request.form))
    except ValidationError as error:
        raise invalid(error) from None


def fields(model: type[BaseModel], sent: Any) -> dict[str, Any]:  # werkzeug's MultiDict is untyped here
    """A form's fields; repeated ones become lists where the model has a list, empty ones count as left out."""
    found: dict[str, Any] = {}
    for name in sent:
        field = model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) in (list, set, frozenset, tuple):
            found[name] = sent.getlist(name)
        elif sent[name] != "":
            found[name] = sent[name]
    return found


def _documented(view: Callable[..., Any], shape: _Shape, method: str, status: int) -> Callable[..., Any]:
    if shape.body is not None:
        view = (document_querystring if method == "GET" else document_request)(shape.body)(view)
    if inspect.isclass(shape.answer) and issubclass(shape.answer, BaseModel):
        view = document_response(shape.answer, status)(view)
    return view
