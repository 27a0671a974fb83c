"""taskiq on Redis Streams as the wake-up of workers. What is lost here costs a delay, never a job."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from redis.exceptions import RedisError
from taskiq import AckableMessage
from taskiq.acks import AcknowledgeType
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from kit import logs
from kit.database_errors import DatabaseUnavailable
from kit.jobs.kinds import Lane
from kit.jobs.runner import Runner

C = TypeVar("C")
log = logs.get("broker")

RUN = "run"  # the one task of every broker: run the job with this id
STREAM_LENGTH = 10_000  # entries kept; the sweep tells again of whatever is trimmed
LISTEN_AGAIN_S = 0.5


class _Broker(RedisStreamBroker):
    """A stream broker that survives a Redis that went away or lost its data."""

    def __init__(self, url: str, lane: Lane) -> None:
        super().__init__(
            url,
            queue_name=f"jobs:{lane}",
            consumer_group_name="workers",
            consumer_id="0",  # what was sent before the group existed counts too
            maxlen=STREAM_LENGTH,
            unacknowledged_lock_timeout=10,
            socket_timeout=10,
            socket_connect_timeout=3,
        )

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Messages, for ever: after a failure the group is made again and listening goes on."""
        while True:
            try:
                await self._declare_consumer_group()
                async for message in super().listen():
                    yield message
            except (RedisError, OSError) as error:
                log.warning("listening failed", error=type(error).__name__)
                await asyncio.sleep(LISTEN_AGAIN_S)


class Brokers:
    """One broker a lane. `kick` wakes a worker; `work` is the worker."""

    def __init__(self, redis_url: str) -> None:
        self._lanes = {lane: _Broker(redis_url, lane) for lane in Lane}

    async def kick(self, job_id: UUID, lane: str) -> None:
        """Wake a worker of the lane for a job."""
        await AsyncKicker[[str], None](task_name=RUN, broker=self._lanes[Lane(lane)], labels={}).kiq(str(job_id))

    async def work(self, runner: Runner[C], at_once: dict[Lane, int], stop: asyncio.Event, *, finish_s: float) -> None:
        """Run jobs of these lanes, so many at once, until `stop`. Then no more are begun, and what is in hand has
        `finish_s` seconds; what takes longer is given back, and another worker begins it at once."""
        lanes = at_once.items()
        await asyncio.gather(*(self._work_lane(runner, lane, most, stop, finish_s) for lane, most in lanes))

    async def _work_lane(self, runner: Runner[C], lane: Lane, most: int, stop: asyncio.Event, finish_s: float) -> None:
        broker = self._lanes[lane]
        broker.is_worker_process = True
        in_hand: set[asyncio.Future[None]] = set()

        async def run(job_id: str) -> None:
            if stop.is_set():  # fetched before, not begun: somebody else's
                return await self.kick(UUID(job_id), lane)
            job = asyncio.ensure_future(runner.run(UUID(job_id)))
            in_hand.add(job)
            try:
                await job
            except asyncio.CancelledError:
                if not job.cancelled():
                    raise
                log.info("job given back: this worker stops", job=job_id)
            except DatabaseUnavailable:  # its lease ends, and the sweep tells of it again
                log.warning("job left as it is: the database is away", job=job_id)
            finally:
                in_hand.discard(job)

        async def finish() -> None:
            await stop.wait()
            if in_hand:
                _, late = await asyncio.wait(in_hand, timeout=finish_s)
                for job in late:
                    job.cancel()

        broker.register_task(run, task_name=RUN)
        with ThreadPoolExecutor(max_workers=1) as executor:
            receiver = Receiver(
                broker=broker,
                executor=executor,
                validate_params=False,
                run_startup=False,
                max_async_tasks=most,
                ack_type=AcknowledgeType.WHEN_RECEIVED,  # the job's row is what is acknowledged late
            )
            await asyncio.gather(receiver.listen(stop), finish())

    async def close(self) -> None:
        """Give the connections back."""
        for broker in self._lanes.values():
            await broker.shutdown()
