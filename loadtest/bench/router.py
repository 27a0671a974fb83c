"""The router's figures: what leading a link to its cell costs, with a small map and with a large one."""

import asyncio
import http.client
import itertools
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

from contracts.keys import new_key
from contracts.links import new_secret
from kit.ports import free_port
from loadtest.bench.bare import HYPERCORN, OURS
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.bench.load import WrongAnswer, get
from loadtest.bench.maps import CELL_URL, Fleet, million, small_map
from loadtest.bench.servers import Server, bare, router

ROUNDS = 40  # of each server, taking turns; short, so that both meet what else happens on this machine
REQUESTS = 500  # a round
KNOWN, UNKNOWN = 800, 200  # paths that are asked for in turn
STARTS = 5
_BEGUN, _NOT_FOUND = b"HTTP/1.1 302", b"HTTP/1.1 404"


@figure("router.share_of_bare_asgi", unit="ratio", target=0.85, better="higher")
def share_of_bare_asgi() -> float:
    """Requests/s of `cellcast router serve` on links, as a share of a bare ASGI redirect's on Hypercorn.

    The second is one of the servers' own processor time, which is what one busy core answers: what else runs on this
    machine, the load generator included, takes no part in it. The router's is its parent's and its worker's together.
    Rounds take turns and are compared in pairs; the figure is the median pair, nothing is left out. It is above 1: a
    request costs the router's server (kit/http) a fraction of what it costs Hypercorn. What the router itself adds
    shows in `router.share_of_own_server`.
    """
    keys = [new_key() for _ in range(1000)]
    with ExitStack() as stack:
        return _share(stack, small_map(stack, keys), dict.fromkeys(map(_link, keys), _BEGUN))


@figure("router.share_of_own_server", unit="ratio", target=0.5, better="higher")
def share_of_own_server() -> float:
    """As `router.share_of_bare_asgi`, against the same bare redirect on the server that the router itself runs on."""
    keys = [new_key() for _ in range(1000)]
    with ExitStack() as stack:
        return _share(stack, small_map(stack, keys), dict.fromkeys(map(_link, keys), _BEGUN), OURS)


@figure("server.share_of_hypercorn_cost", unit="ratio", target=0.5, better="lower")
def share_of_hypercorn_cost() -> float:
    """Processor time of a bare ASGI redirect on our server (kit/http), as a share of the same on Hypercorn."""
    with ExitStack() as stack:
        ours, hypercorn = stack.enter_context(bare(OURS)), stack.enter_context(bare(HYPERCORN))
        return 1 / asyncio.run(_compare(ours, hypercorn, {"/link": _BEGUN}))


@figure("router.share_of_bare_asgi_1m", unit="ratio", target=0.85, better="higher")
def share_of_bare_asgi_1m() -> float:
    """As `router.share_of_bare_asgi`, with a map of 1,000,000 workspaces; one key in five is unknown.

    Unknown keys are answered with a whole page, and the limit on them is raised for this: all come from one address.
    """
    fleet = million()
    known = random.Random(1).sample(fleet.keys, KNOWN)  # noqa: S311 - nothing secret
    asked = dict.fromkeys(map(_link, known), _BEGUN) | {_link(new_key()): _NOT_FOUND for _ in range(UNKNOWN)}
    mixed = list(asked.items())
    random.Random(2).shuffle(mixed)  # noqa: S311 - nothing secret
    with ExitStack() as stack:
        return _share(stack, fleet, dict(mixed))


@figure("router.map_mb_1m", unit="MB", target=150, better="lower")
def map_mb_1m() -> float:
    """Memory that 1,000,000 workspaces take on a host with two workers, above a router with an empty map.

    What the three processes have for themselves (Pss_Anon of smaps_rollup, proc(5)) after every page of the map was
    looked at, less the same of the empty router, and the whole file of the map, which they share.
    """
    fleet = million()
    paths = list(map(_link, random.Random(3).sample(fleet.keys, 20_000)))  # noqa: S311 - nothing secret
    with ExitStack() as stack:
        empty = _memory(stack, small_map(stack, []), paths, _NOT_FOUND)
    with ExitStack() as stack:
        full = _memory(stack, fleet, paths, _BEGUN)
    return (full - empty + fleet.map_file.stat().st_size) / 1e6


@figure("router.cold_start_s_1m", unit="s", target=3, better="lower")
def cold_start_s_1m() -> float:
    """From the start of the process to the first right answer, with 1,000,000 workspaces on disk and two workers.

    The control plane and the bucket are gone. The map is checked whole before it is used. The median of five.
    """
    fleet = million()
    return median(_cold_start(fleet, key) for key in random.Random(4).sample(fleet.keys, STARTS))  # noqa: S311


def _link(key: str) -> str:
    return f"/{key}-{new_secret(key)}"


def _share(stack: ExitStack, fleet: Fleet, asked: Mapping[str, bytes], on: str = HYPERCORN) -> float:
    ours = stack.enter_context(router(fleet.settings, workers=1))
    baseline = stack.enter_context(bare(on))
    return asyncio.run(_compare(ours, baseline, asked))


async def _compare(ours: Server, baseline: Server, asked: Mapping[str, bytes]) -> float:
    shares = []
    paths = itertools.cycle(asked)
    for number in range(ROUNDS + 1):
        some = list(itertools.islice(paths, REQUESTS))
        spent: dict[int, float] = {}
        for server in (ours, baseline) if number % 2 else (baseline, ours):
            before = server.processor_s()
            expected = asked if server is ours else _BEGUN
            await get(server.port, some, expected=expected, count=REQUESTS)
            spent[server.port] = server.processor_s() - before
        if number:  # the first round warms
            shares.append(spent[baseline.port] / spent[ours.port])
    return median(shares)


def _memory(stack: ExitStack, fleet: Fleet, paths: Sequence[str], expected: bytes) -> int:
    """Bytes after all of `paths` were answered."""
    server = stack.enter_context(router(fleet.settings, workers=2))
    try:
        asyncio.run(get(server.port, paths, expected=expected, count=2 * len(paths), connections=32))
    except WrongAnswer as wrong:
        raise Unmeasurable(str(wrong)) from wrong
    return server.own_memory()


def _cold_start(fleet: Fleet, key: str) -> float:
    port, path = free_port(), _link(key)
    begun = time.perf_counter()
    with router(fleet.settings, workers=2, port=port, wait=False) as server:
        while time.perf_counter() - begun < 30:
            if _leads(port, path):
                return time.perf_counter() - begun
            if server.process.poll() is not None:
                break
            time.sleep(0.005)
    raise Unmeasurable("the router did not answer")


def _leads(port: int, path: str) -> bool:
    """True when the router leads this link to its cell."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        asked.request("GET", path, headers={"Host": "go.localhost"})
        answer = asked.getresponse()
        return answer.status == 302 and answer.headers["Location"] == f"{CELL_URL}/r{path}"
    except OSError:
        return False
    finally:
        asked.close()
