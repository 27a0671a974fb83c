"""What recording costs a cell, as it was measured: processor seconds of each of its parts, memory, and bytes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat

Part = Literal["web", "worker", "postgres", "redis", "s3"]
PARTS: tuple[Part, ...] = ("web", "worker", "postgres", "redis", "s3")

BUNDLED = Path(__file__).with_name("costs.json")

Processor = Mapping[Part, NonNegativeFloat]  # processor seconds, user and system, of a part's processes


class Costs(BaseModel):
    """One measurement. Of processor time, since that is the same on a busy machine and on a quiet one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str  # when, ISO 8601
    machine: str
    source: str  # what measured it
    recorder_second: Processor  # of somebody who records for a second: a grant, a chunk
    recording: Processor  # of a recording that is finished, however long: jobs, remuxing, pictures
    recorded_second: Processor  # the same for each second that it is long
    agent_second: Processor  # of an agent at work
    chunk_bytes: PositiveFloat  # of a second of footage
    redis_recorder_bytes: NonNegativeFloat  # that Redis holds for one who records
    web_mib: PositiveFloat  # of a web process
    worker_mib: PositiveFloat  # of a worker, its ffmpegs apart
    ffmpeg_mib: PositiveFloat  # of one ffmpeg at most


def read(path: Path) -> Costs:
    """Read costs. Raises OSError, and ValueError for what are none."""
    return Costs.model_validate_json(path.read_bytes())


def write(path: Path, costs: Costs) -> None:
    """Write them for `read`; the file is replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(costs.model_dump_json(indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)
