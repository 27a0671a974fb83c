"""What a workspace asks of its people: second factors, how long sessions last, and from where they may come."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from redis.asyncio import Redis
from sqlalchemy import Select

from cell.actors import Actor
from cell.audit import service as audit
from cell.people.permissions import Role
from cell.security import queries
from cell.security.models import SecurityPolicy
from cell.workspaces import service as workspaces
from cell.workspaces.models import Workspace
from kit import live
from kit.addresses import Network
from kit.database import Reading, Tenant, Writing
from kit.refusals import Kind, NotFound, Refusal

MOST_NETWORKS = 200
CHANGED = "policy"  # the live event after which streams are asked for anew

T = TypeVar("T", bound=Tenant)
SecondFactor = Literal["optional", "required", "roles"]


class OwnAddressLeftOut(Refusal):
    """Whoever saves the list would be the first to be shut out."""

    kind = Kind.CONFLICT
    title = "Your own address is not on this list"
    detail = "Nothing has changed. Add the network that you are in, or you lock yourself out."


class OutsideNetworks(Refusal):
    """The workspace names the networks that its people come from, and this is none of them."""

    kind = Kind.FORBIDDEN
    title = "Your network is not allowed"
    detail = "This workspace can be used from certain networks only. Connect to one of them, or ask your admin."


@dataclass(frozen=True)
class Policy:
    """A workspace's policy; its fields' defaults hold where nobody chose anything."""

    second_factor: SecondFactor = "optional"
    factor_roles: tuple[str, ...] = ()
    idle: timedelta = timedelta(hours=12)
    absolute: timedelta = timedelta(days=7)
    networks: tuple[str, ...] = ()

    def requires_factor(self, role: str) -> bool:
        """Whether who has this role and signs in with a password needs a second factor."""
        return self.second_factor == "required" or (self.second_factor == "roles" and role in self.factor_roles)

    def admits(self, address: str) -> bool:
        """Whether people and programs may come from this network address."""
        return not self.networks or _within(self.networks, address)


DEFAULT = Policy()


def _written(value: object) -> object:
    """A text area's lines, or several of them."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return texts
    return [line.strip() for text in texts for line in text.replace(",", "\n").splitlines() if line.strip()]


def _networks(lines: list[str]) -> list[str]:
    return list(dict.fromkeys(str(ip_network(line, strict=False)) for line in lines))  # ValueError names the line


class NewPolicy(BaseModel):
    """What an admin chooses."""

    second_factor: SecondFactor = "optional"
    factor_roles: list[Role] = []
    idle_minutes: Annotated[int, Field(ge=5, le=10_080)] = 720
    absolute_hours: Annotated[int, Field(ge=1, le=720)] = 168
    networks: Annotated[
        list[Annotated[str, Field(max_length=60)]],
        Field(max_length=MOST_NETWORKS),
        BeforeValidator(_written),
        AfterValidator(_networks),
    ] = []


async def get(tx: Reading) -> Policy:
    """The policy of this workspace."""
    row = await tx.first(queries.policy())
    return DEFAULT if row is None else _policy(row)


async def around(tx: Reading, table: type[T], one: Select[T]) -> tuple[Workspace, Policy, T | None]:
    """This workspace, its policy, and the row of `table` that `one` selects. Raises NotFound."""
    found = await tx.rows(queries.around(table, one))
    if not found:
        raise NotFound
    workspace, row, other = found[0]
    return workspace, DEFAULT if row is None else _policy(row), other


async def change(tx: Writing, redis: "Redis", by: Actor, address: str, new: NewPolicy) -> Policy:
    """Store another policy, which holds from the next request on; `address` is where `by` asks from.

    Raises OwnAddressLeftOut.
    """
    await workspaces.get_locked(tx)
    before = await tx.first(queries.policy())
    earlier = DEFAULT if before is None else _policy(before)
    row = before or SecurityPolicy()
    row.second_factor, row.factor_roles = new.second_factor, [role.value for role in new.factor_roles]
    row.idle_minutes, row.absolute_hours, row.networks = new.idle_minutes, new.absolute_hours, new.networks
    policy = _policy(row)
    if not policy.admits(address):
        raise OwnAddressLeftOut
    if policy == earlier:
        return policy
    tx.add(row)
    changed = [name for name in Policy.__dataclass_fields__ if getattr(policy, name) != getattr(earlier, name)]
    details: dict[str, str | int | bool | list[str]] = {
        "changed": changed,
        "second_factor": policy.second_factor,
        "roles": list(policy.factor_roles),
        "idle_minutes": new.idle_minutes,
        "absolute_hours": new.absolute_hours,
        "networks": list(policy.networks),
    }
    await audit.append(tx, by, "security.change", audit.Target("workspace", tx.workspace_id), details)

    async def tell() -> None:
        await live.tell(redis, tx.workspace_id, CHANGED, {})

    tx.after_commit(tell)
    return policy


def _policy(row: SecurityPolicy) -> Policy:
    factor: SecondFactor = "roles" if row.second_factor == "roles" else "optional"
    return Policy(
        "required" if row.second_factor == "required" else factor,
        tuple(row.factor_roles),
        timedelta(minutes=row.idle_minutes),
        timedelta(hours=row.absolute_hours),
        tuple(row.networks),
    )


@lru_cache(1000)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(one) for one in networks)


def _within(networks: tuple[str, ...], address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)  # ::ffff:192.0.2.1 is 192.0.2.1
    return any((mapped or found) in network for network in _parsed(networks))
