"""Looks for words in everything that a cell keeps: every row of PostgreSQL, every value of Redis, every file of S3."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from tests.deployment import Deployment

Kept = tuple[str, bytes]  # where it is, and what is there
STORES = ("postgres", "redis", "s3")
PUBLISHED = "/cellcast-published-"  # the region's bucket of feeds; on one machine it is at the first cell's S3 server


async def found(deployment: Deployment, cell: str, words: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Which of the words (name -> bytes) each store of a cell holds, in plain or in hexadecimal.

    The bucket of published feeds is not the cell's: see `found_globally`.
    """
    described = deployment.description.cells[cell]
    forms = {name: _forms(word) for name, word in words.items()}
    seen: dict[str, set[str]] = {store: set() for store in STORES}
    async for _, content in rows(deployment.superuser_dsn(cell)):
        seen["postgres"] |= _in(content, forms)
    async for _, content in values(described.redis_url):
        seen["redis"] |= _in(content, forms)
    own = [one for one in await asyncio.to_thread(_objects, deployment, cell) if PUBLISHED not in one[0]]
    seen["s3"] = set().union(*(_in(content, forms) for _, content in own))
    return seen


async def found_globally(deployment: Deployment, words: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Which of the words are kept outside the cells: registry, provisioning, the router's disk, and all their logs.

    Only the places that hold any; those whose server is stopped cannot be asked, and took nothing meanwhile.
    """
    described, folder = deployment.description, deployment.folder
    forms = {name: _forms(word) for name, word in words.items()}
    seen: dict[str, set[str]] = {}
    if deployment.runs("control-plane-postgres"):
        async for place, content in rows(deployment.superuser_dsn("control-plane")):
            seen[f"registry {place}"] = seen.get(f"registry {place}", set()) | _in(content, forms)
    for region, one in described.provisioning.items():
        async for key, content in values(one.redis_url):
            seen[f"provisioning {region} {key}"] = _in(content, forms)
    for cell in described.cells:
        for path, content in await asyncio.to_thread(_objects, deployment, cell):
            if PUBLISHED in path:
                seen[path] = _in(content, forms)
    for part in ("router", "control-plane", *(f"provisioning-{region}" for region in described.provisioning)):
        for path, content in await asyncio.to_thread(list, files(folder.data / part)):
            seen[path] = _in(content, forms)
        for log in folder.log(part).parent.glob(f"{part}*.log"):  # its servers' too
            seen[log.name] = _in(await asyncio.to_thread(log.read_bytes), forms)
    return {place: names for place, names in seen.items() if names}


def _objects(deployment: Deployment, cell: str) -> list[Kept]:
    """Every object of a cell's S3 server; beside the objects lie their older versions."""
    return list(files(deployment.description.cells[cell].s3.data_dir.parent))


def _forms(word: bytes) -> set[bytes]:
    """A word as it may be written: as it is, in hexadecimal (bytea), a UUID without its dashes."""
    return {word, word.hex().encode(), word.replace(b"-", b"")}


def _in(content: bytes, forms: Mapping[str, Iterable[bytes]]) -> set[str]:
    return {name for name, written in forms.items() if any(form in content for form in written)}


async def rows(dsn: str) -> AsyncIterator[Kept]:
    """Every row of every table in all databases' schemas, as text. Row-level security must not hide any."""
    database = await asyncpg.connect(dsn)
    try:
        tables = await database.fetch(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        )
        assert tables
        for table in tables:
            for row in await database.fetch(f"select t::text as row from {table['name']} t"):
                yield table["name"], row["row"].encode()
    finally:
        await database.close()


async def values(url: str) -> AsyncIterator[Kept]:
    """Every key of Redis with its value."""
    # Whatever the bytes are, they are read as text; nothing of ours would be changed by that.
    async with Redis.from_url(url, decode_responses=True, encoding_errors="backslashreplace") as redis:
        async for key in redis.scan_iter(count=1000):
            yield key, f"{key} {await _value(redis, key)}".encode()


async def _value(redis: "Redis", key: str) -> Any:  # whatever the key's type holds
    match str(await redis.type(key)):
        case "string":
            return await redis.get(key)
        case "hash":
            return await redis.hgetall(key)
        case "list":
            return await redis.lrange(key, 0, -1)
        case "set":
            return await redis.smembers(key)
        case "zset":
            return await redis.zrange(key, 0, -1, withscores=True)
        case "stream":
            return await redis.xrange(key)
        case gone_or_new:
            assert gone_or_new == "none", f"this test does not know Redis's type {gone_or_new}"
            return None


def files(folder: Path) -> Iterator[Kept]:
    """Every file below a folder, its path before its bytes."""
    for path in sorted(folder.rglob("*")):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # a chunk that a worker removed meanwhile
            content = b""
        yield str(path), f"{path.relative_to(folder)}\n".encode() + content
