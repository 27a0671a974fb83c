"""The long-running process of provisioning: answers people, and finishes what stopped half-way."""

import asyncio
import gc
from functools import partial

from control_plane.provisioning import resources
from control_plane.provisioning.app import in_front_of, make_app
from control_plane.provisioning.settings import ProvisioningSettings
from kit import health, logs, loop, metrics, redis_facts, tracing
from kit.rounds import rounds
from kit.serve import serve
from kit.stopping import stop_event

log = logs.get("provisioning")


async def run(settings: ProvisioningSettings) -> None:
    """Answer until told to stop."""
    stop = stop_event()
    async with (
        resources.opened(settings) as provisioning,
        health.watched(provisioning.checks),
        redis_facts.watched(provisioning.redis),
        asyncio.TaskGroup() as tasks,
    ):
        watching = tasks.create_task(loop.watch())
        tracing.configure(settings.traces_url, settings.traces_share, "provisioning", region=settings.region)
        if settings.metrics_bind:
            metrics.serve(settings.metrics_bind)
        sweep = partial(provisioning.sign_ups.sweep, settings.sweep_after_s)
        tasks.create_task(rounds("sweep sign-ups", sweep, stop, every_s=settings.sweep_every_s))
        tasks.create_task(provisioning.judges.warm())
        app = in_front_of(make_app(provisioning), provisioning)
        gc.collect()
        gc.freeze()  # what a start leaves behind stays: looking through it again and again takes a tenth of a second
        log.info("ready", url=settings.url)
        await serve(app, settings.bind, stop=stop)
        watching.cancel()
