"""What can be asked, as a table; each function compiles a request, calls the cell once, and answers.

Only a search of everything at once makes two calls, since people and groups are two questions.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from contracts.directory import (
    Create,
    CredentialRefused,
    Document,
    Erase,
    Item,
    Patch,
    Replace,
    Tree,
    VersionDiffers,
)
from contracts.directory_schema import Resource
from control_plane.scim import discovery, errors, filters
from control_plane.scim.asking import Query, of_body
from control_plane.scim.bodies import NONE, Body
from control_plane.scim.cells import Cell
from control_plane.scim.conditions import MOST_EXPECTED, versions
from control_plane.scim.errors import ScimError, bad, not_allowed
from control_plane.scim.names import GROUPS, RESOURCE_TYPES, USERS, ResourceType
from control_plane.scim.patching import steps
from control_plane.scim.showing import location, projection, shown, version
from control_plane.scim.values import document
from kit.refusals import NotFound, Refusal


@dataclass(frozen=True)
class Request:
    """A request, read. `path` is what stands below the workspace's address; `body` has not been looked at yet."""

    method: str
    path: tuple[str, ...]
    base: str
    query: Query
    cell: Cell
    body: Body = NONE
    if_match: str = ""
    if_none_match: str = ""


@dataclass(frozen=True)
class Answer:
    """A status, a document, headers besides the usual ones."""

    status: int
    document: Mapping[str, Any] | None = None  # JSON
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


_READS = frozenset({"GET", "HEAD"})
_KINDS = (USERS, GROUPS)

Handler = Callable[[Request], Awaitable[Answer]]


async def answer(request: Request) -> Answer:
    """The answer to a request. Raises ScimError, Refusal."""
    try:
        return await _answered(request)
    except ScimError as error:
        if request.method in _READS and error.status in {404, 501}:
            error.noted = True  # that there is no such thing is an answer, and nothing that an admin has to look after
        raise
    except CredentialRefused:
        raise
    except Refusal as refusal:
        refused = errors.of(refusal)
        if request.method in _READS or request.path[-1:] == (".search",):  # of these the cell notes none by itself
            refused.noted = refused.status == 404 or refused.status >= 500
        raise refused from None


async def _answered(request: Request) -> Answer:
    match request.path:
        case ("Users" | "Groups" as endpoint, ".search"):
            return await _only(request, POST=_search(RESOURCE_TYPES[endpoint]))
        case ("Users" | "Groups" as endpoint,):
            kind = RESOURCE_TYPES[endpoint]
            return await _only(request, GET=_list(kind), POST=_create(kind))
        case ("Users" | "Groups" as endpoint, id):
            kind, one = RESOURCE_TYPES[endpoint], _id(id)
            return await _only(
                request, GET=_get(kind, one), PUT=_replace(kind, one), PATCH=_patch(kind, one), DELETE=_erase(kind, one)
            )
        case (".search",):
            return await _only(request, POST=_search_all)
        case ("ServiceProviderConfig" | "ResourceTypes" | "Schemas", *_):
            return await _only(request, GET=_discovered)
        case ("Me", *_):
            raise ScimError(501, "A provisioning token is nobody: there is no /Me.")
        case ("Bulk",):
            raise ScimError(501, "There are no bulk operations: send each request by itself.")
    raise _nothing_here()


async def _only(request: Request, **handlers: Handler) -> Answer:
    found = handlers.get("GET" if request.method == "HEAD" else request.method)
    if found is None:
        raise not_allowed(*handlers)
    return await found(request)


def _list(kind: ResourceType) -> Handler:
    async def handle(request: Request) -> Answer:
        return await _found(kind, request, request.query)

    return handle


def _search(kind: ResourceType) -> Handler:
    async def handle(request: Request) -> Answer:
        return await _found(kind, request, of_body(request.body.json()))

    return handle


async def _found(kind: ResourceType, request: Request, query: Query) -> Answer:
    tree = filters.compiled(kind, query.filter) if query.filter else None
    total, resources = await _page(kind, request, query, tree, query.start, query.count)
    return _listed(total, query.start, resources)


async def _search_all(request: Request) -> Answer:
    """People first, then groups, as one list. What one kind has not is absent in all of it."""
    query = of_body(request.body.json())
    if not any(query.sorts(kind) for kind in _KINDS):
        query.order(USERS)  # refuses
    total, resources, start = 0, list[Document](), query.start
    for kind, tree in _trees(query):
        start = max(1, query.start - total)
        own = query if query.sorts(kind) else replace(query, sort_by="")  # what one kind has not sorts the other
        found, page = await _page(kind, request, own, tree, start, query.count - len(resources))
        total += found
        resources += page
    return _listed(total, query.start, resources)


def _trees(query: Query) -> list[tuple[ResourceType, Tree | None]]:
    """Which kinds are asked for, and what of each: none of which the filter chooses nobody, if that leaves one."""
    if not query.filter:
        return [(kind, None) for kind in _KINDS]
    found = filters.compiled_for(_KINDS, query.filter)
    return [(kind, tree) for kind, tree in found if tree != filters.NOBODY] or [(USERS, filters.NOBODY)]


async def _page(
    kind: ResourceType, request: Request, query: Query, tree: Tree | None, start: int, count: int
) -> tuple[int, list[Document]]:
    wanted = projection(kind, query.attributes, query.excluded)
    found = await request.cell.find(
        kind.resource,
        tree,
        sort_by=query.order(kind),
        descending=query.descending,
        start=start,
        count=count,
        members=kind is GROUPS and wanted.has("members"),
    )
    return found.total, [shown(kind, item, request.base, wanted) for item in found.items]


def _listed(total: int, start: int, resources: list[Document]) -> Answer:
    return Answer(
        200,
        {
            "schemas": [discovery.LIST],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        },
    )


def _get(kind: ResourceType, id: UUID) -> Handler:
    async def handle(request: Request) -> Answer:
        wanted = projection(kind, request.query.attributes, request.query.excluded)
        members = kind is GROUPS and wanted.has("members")
        item = await request.cell.get(kind.resource, id, members=members)
        known = versions(request.if_none_match)
        if known is not None and (not known or item.version in known):
            return Answer(304, None, [_etag(item)])
        return Answer(200, shown(kind, item, request.base, wanted), [_etag(item)])

    return handle


def _create(kind: ResourceType) -> Handler:
    async def handle(request: Request) -> Answer:
        made = document(kind, request.body.json())
        applied = await request.cell.apply(Create(resource=kind.resource, document=made))
        item = _with_members(kind, _item(applied.item), made)
        at = location(kind, item, request.base).encode()
        return _one(kind, request, item, 201, [(b"location", at)])

    return handle


def _replace(kind: ResourceType, id: UUID) -> Handler:
    async def handle(request: Request) -> Answer:
        made = document(kind, request.body.json())
        change = Replace(resource=kind.resource, id=id, document=made, expected=await _expected(kind, id, request))
        item = _with_members(kind, _item((await request.cell.apply(change)).item), made)
        return _one(kind, request, item, 200)

    return handle


def _patch(kind: ResourceType, id: UUID) -> Handler:
    async def handle(request: Request) -> Answer:
        made = await steps(kind, request.body.json())
        change = Patch(resource=kind.resource, id=id, steps=made, expected=await _expected(kind, id, request))
        item = _item((await request.cell.apply(change)).item)
        # A group is not shown after each of its members (Entra ID wants 204), unless something of it is asked for.
        if kind is GROUPS:
            if not (request.query.attributes or request.query.excluded):
                return Answer(204, None, [_etag(item)])
            if projection(kind, request.query.attributes, request.query.excluded).has("members"):
                try:
                    item = await request.cell.get(kind.resource, id)
                except NotFound:  # erased since; the change was made all the same
                    return Answer(204, None, [_etag(item)])
        return _one(kind, request, item, 200)

    return handle


def _erase(kind: ResourceType, id: UUID) -> Handler:
    async def handle(request: Request) -> Answer:
        await request.cell.apply(Erase(resource=kind.resource, id=id, expected=await _expected(kind, id, request)))
        return Answer(204)

    return handle


async def _discovered(request: Request) -> Answer:
    """The credential is looked at here too: whoever enters a wrong one learns it at the first test."""
    await request.cell.find(Resource.GROUP, None)
    if request.query.filter:
        raise ScimError(403, "What the service says of itself cannot be searched.")
    match request.path:
        case ("ServiceProviderConfig",):
            return Answer(200, discovery.configuration(request.base))
        case ("ResourceTypes",):
            return Answer(200, discovery.listed(discovery.resource_types(request.base)))
        case ("Schemas",):
            return Answer(200, discovery.listed(discovery.schemas(request.base)))
        case ("ResourceTypes", id):
            return _chosen(discovery.resource_types(request.base), id)
        case ("Schemas", id):
            return _chosen(discovery.schemas(request.base), id)
    raise _nothing_here()


def _chosen(documents: list[Document], id: str) -> Answer:
    for one in documents:
        if one["id"].lower() == id.lower():
            return Answer(200, one)
    raise _nothing_here()


async def _expected(kind: ResourceType, id: UUID, request: Request) -> list[int] | None:
    """The versions of which it has to be one; None for any.

    Raises ScimError: 412 for what If-None-Match rules out, 400 for more versions than one change takes.
    """
    unwanted = versions(request.if_none_match)
    if unwanted is not None:
        item = await request.cell.get(kind.resource, id, members=False)
        if not unwanted or item.version in unwanted:
            raise ScimError(412, f"{VersionDiffers.title}. It is there already, as If-None-Match does not want it.")
    wanted = versions(request.if_match) or []
    if len(wanted) > MOST_EXPECTED:
        raise bad("invalidValue", f"If-Match names at most {MOST_EXPECTED} versions.")
    return wanted or None


def _one(
    kind: ResourceType, request: Request, item: Item, status: int, headers: list[tuple[bytes, bytes]] | None = None
) -> Answer:
    wanted = projection(kind, request.query.attributes, request.query.excluded)
    return Answer(status, shown(kind, item, request.base, wanted), [_etag(item), *(headers or [])])


def _with_members(kind: ResourceType, item: Item, made: Document) -> Item:
    """A group that was sent whole, with the members that were sent: the cell took them all, and need not say so."""
    if kind is USERS or "members" in item.document or not made.get("members"):
        return item
    return item.model_copy(update={"document": {**item.document, "members": made["members"]}})


def _item(item: Item | None) -> Item:
    """What a change left. Where it was made before and its answer was lost, it may be gone by now. Raises ScimError."""
    if item is None:
        raise _nothing_here()
    return item


def _etag(item: Item) -> tuple[bytes, bytes]:
    return b"etag", version(item).encode()


def _id(text: str) -> UUID:
    """An id as we write it; anything else is nobody's."""
    try:
        found = UUID(text)
    except ValueError:
        raise _nothing_here() from None
    if str(found) != text.lower():
        raise _nothing_here()
    return found


def _nothing_here() -> ScimError:
    return ScimError(404, "There is nothing here.")
