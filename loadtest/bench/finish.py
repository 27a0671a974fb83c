"""How fast recordings become playable when many wait, by one, two and four workers, and what bounds it.

Written to finish.json as well: processor seconds of each part for one recording, and how busy the machine was.
"""

import asyncio
import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from loadtest import media
from loadtest.bench.deployment import COMMAND, deployment
from loadtest.bench.figures import Unmeasurable, figure
from loadtest.bench.results import machine
from loadtest.capacity.measure import Place, with_children
from loadtest.protocol import Customer, Recording

FINISHES, FINISH_S = 60, 30
AT_ONCE = 10
LOOK_S = 2.0  # so seldom that looking costs nothing beside the work
BUSY = 0.85  # of the machine: above, more workers finish no more
STARTS_WITHIN_S = 60.0
S3_REGIONS = {"eu": "eu-central-1", "us": "us-east-1"}  # that the stack's signatures name
WRITTEN = Path(__file__).parents[1] / "results" / "finish.json"


@figure("load.finish_per_min", unit="/min", target=120, better="higher")
def finish_per_min() -> float:
    """Recordings of 30 s that one worker process makes playable in a minute, when many wait."""
    return float(_finished(1)["per_min"])


@figure("load.finish_2_workers_per_min", unit="/min", target=120, better="higher")
def finish_2_workers_per_min() -> float:
    """The same by two workers: on two processors they can do no more than these hold."""
    return float(_finished(2)["per_min"])


@figure("load.finish_4_workers_per_min", unit="/min", target=120, better="higher")
def finish_4_workers_per_min() -> float:
    """The same by four workers."""
    return float(_finished(4)["per_min"])


@figure("load.finish_processor_s", unit="s", target=1.0, better="lower")
def finish_processor_s() -> float:
    """Processor seconds of the whole cell from "finish" to playable, of one recording: 120 a minute on two processors.

    The same on a busy machine and on a quiet one.
    """
    return float(sum(_finished(1)["processor_s"].values()))


@cache
def _finished(workers: int) -> dict[str, Any]:
    """Measure once; what is known is written for the page of results."""
    place = Place.of(deployment().facts)
    with ExitStack() as stack:
        more = [stack.enter_context(_worker(place.cell, number)) for number in range(1, workers)]
        found = asyncio.run(_finish(place, [place.pids["worker"], *more]))
    known = json.loads(WRITTEN.read_text(encoding="utf-8")) if WRITTEN.exists() else {}
    WRITTEN.parent.mkdir(parents=True, exist_ok=True)
    known[str(workers)] = found
    WRITTEN.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return found


async def _finish(place: Place, workers: list[int]) -> dict[str, Any]:
    footage = media.chunks(media.webm(FINISH_S, width=640, height=360, kilobits=416), FINISH_S)
    async with Customer() as customer:
        page, at_once = await customer.open(await place.link(customer)), asyncio.Semaphore(AT_ONCE)

        async def sent() -> Recording:
            async with at_once:
                recording = await customer.start(page)
                await customer.send(recording, footage)
                return recording

        recordings = await asyncio.gather(*(sent() for _ in range(FINISHES)))
        spent, idle, begun = _spent(place, workers), _idle_s(), time.perf_counter()
        await asyncio.gather(*(customer.finish(one) for one in recordings))
        states = await asyncio.gather(
            *(customer.until_settled(one, within_s=600, every_s=LOOK_S) for one in recordings)
        )
        took = time.perf_counter() - begun
    if set(states) != {"ready"}:
        raise Unmeasurable(f"recordings became {set(states)}")
    busy = 1 - (_idle_s() - idle) / took / (os.cpu_count() or 1)
    after = _spent(place, workers)
    return {
        "per_min": round(FINISHES / took * 60, 1),
        "processor_s": {part: round((after[part] - spent[part]) / FINISHES, 4) for part in spent},
        "busy": round(busy, 3),
        "bound_by": "processors" if busy > BUSY else "waiting",
        "machine": machine(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    }


def _spent(place: Place, workers: list[int]) -> dict[str, float]:
    """Processor seconds so far: of the workers themselves, of what they ran and runs (ffmpeg), of the other parts."""
    out: dict[str, float] = {part: seconds for part, seconds in place.spent().items() if part != "worker"}
    own = [psutil.Process(pid).cpu_times() for pid in workers]
    out["worker"] = float(sum(one.user + one.system for one in own))
    out["ffmpeg"] = sum(map(with_children, workers)) - out["worker"]
    return out


def _idle_s() -> float:
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))


@contextmanager
def _worker(cell: dict[str, Any], number: int) -> Iterator[int]:
    """One more worker for videos; its process id. It needs none of the cell's keys for that, and gets its own."""
    s3 = cell["s3"]
    with tempfile.TemporaryDirectory(prefix="cellcast-worker-") as folder:
        settings = {
            "NAME": str(s3["bucket"]).removeprefix("cellcast-"),
            "REGION": cell["region"],
            "URL": cell["url"],
            "GO_URL": "http://go.localhost",
            "DATABASE_URL": cell["dsn"],
            "REDIS_URL": cell["redis_url"],
            "S3_ENDPOINT": s3["endpoint"],
            "S3_BUCKET": s3["bucket"],
            "S3_REGION": S3_REGIONS[cell["region"]],
            "S3_ACCESS_KEY": s3["access_key"],
            "S3_SECRET_KEY": s3["secret_key"],
            "MASTER_KEY": secrets.token_hex(32),
            "SCRATCH_DIR": folder,
        }
        environment = {**os.environ, **{f"CELLCAST_CELL_{name}": value for name, value in settings.items()}}
        log = Path(folder) / f"worker-{number}.log"
        with log.open("wb") as out:
            command = [*COMMAND, "cell", "worker", "--lane", "media"]
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603 - a worker of ours
        try:
            deadline = time.monotonic() + STARTS_WITHIN_S
            while b"ready" not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Unmeasurable(f"another worker does not start: {log.read_text()[-500:]}")
                time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)
