"""The long-running process of provisioning: answers people, and finishes what stopped half-way."""

import asyncio
import contextlib

from control_plane.provisioning import resources
from control_plane.provisioning.app import in_front_of, make_app
from control_plane.provisioning.settings import ProvisioningSettings
from kit import logs, metrics
from kit.refusals import Refusal
from kit.serve import serve, stop_event

log = logs.get("provisioning")


async def run(settings: ProvisioningSettings) -> None:
    """Answer until told to stop."""
    stop = stop_event()
    async with resources.opened(settings) as provisioning, asyncio.TaskGroup() as tasks:
        if settings.metrics_bind:
            metrics.serve(settings.metrics_bind)
        tasks.create_task(_sweep(provisioning, stop))
        tasks.create_task(provisioning.judges.warm())
        app = in_front_of(make_app(provisioning), provisioning)
        log.info("ready", url=settings.url)
        await serve(app, settings.bind, stop=stop)


async def _sweep(provisioning: resources.Provisioning, stop: asyncio.Event) -> None:
    settings = provisioning.settings
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), settings.sweep_every_s)
            return
        try:
            await provisioning.sign_ups.sweep(settings.sweep_after_s)
        except Refusal as refusal:  # the control plane is away: sign-ups wait, and so does this
            log.warning("no sweep", reason=refusal.slug)
        except Exception as error:  # people sign in here too: a fault in sweeping is no reason to end
            log.error("unexpected", exc_info=error)
