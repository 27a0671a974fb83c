"""The pages of a sign-up: nothing is kept, nothing is made twice, everything wrong is said at its field."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from quart import Quart

from contracts.peers import PeerKind
from contracts.placements import State
from contracts.placing import WORKSPACE_UNDO
from contracts.said import OfWorkspace
from control_plane.models import METADATA
from control_plane.provisioning import resources
from control_plane.provisioning.app import make_app
from control_plane.provisioning.settings import ProvisioningSettings
from tests.cell.browser import Browser
from tests.cell.world import PASSWORD
from tests.control_plane.provisioning.conftest import Site
from tests.control_plane.provisioning.test_saga import placement_of, wanted
from tests.control_plane.saml.world import our_keys
from tests.control_plane.world import World
from tests.waiting import eventually

HOST = "provisioning-eu.localhost"


@dataclass(frozen=True)
class Region:
    """The provisioning process of eu, and its Redis."""

    app: Quart
    provisioning: resources.Provisioning

    def browser(self) -> Browser:
        return Browser(self.app, HOST, {})


@pytest.fixture(scope="module")
async def region(site: Site, redis_url: str) -> AsyncIterator[Region]:
    settings = ProvisioningSettings.model_validate(
        {
            "region": "eu",
            "bind": "127.0.0.1:0",
            "url": f"http://{HOST}",
            "go_url": "http://go.localhost",
            "redis_url": redis_url,
            "signing_key": site.calls._key.to_text(),
            "sign_ups_per_hour": 5,
            "saml_keys": [our_keys()],
            **site.feed,
        }
    )
    async with resources.opened(settings) as provisioning:
        await eventually(lambda: bool(provisioning.feed.peers.of(PeerKind.CELL)), 10)
        yield Region(make_app(provisioning), provisioning)


def filled(**other: str) -> dict[str, str]:
    form = {"company": "Acme <b>", "name": "Ada", "email": f"ada.{secrets.token_hex(4)}@example.com"}
    return {**form, "password": PASSWORD, "request_key": secrets.token_hex(16), **other}


def key_in(text: str) -> str:
    found = re.search(r'name="request_key" value="([0-9a-f]{32})"', text)
    assert found is not None
    return found[1]


async def test_a_person_signs_up_and_is_led_to_sign_in(region: Region, site: Site) -> None:
    browser = region.browser()
    page = await browser.page("/sign-up")
    assert page.status == 200 and "stays there" in page.text
    answer = await browser.post("/sign-up", form=filled(request_key=key_in(page.text)))
    assert answer.status == 303
    done = await browser.page(answer.headers["Location"])
    key = answer.headers["Location"].rpartition("/")[2]
    assert f"http://go.localhost/{key}" in done.text
    active = [one for one in await site.placements() if one.key == key]
    assert [one.state for one in active] == [State.ACTIVE]
    assert await site.admins(active[0].workspace_id) == 1


async def test_a_form_that_is_sent_twice_makes_one_workspace(region: Region) -> None:
    form = filled()
    first, second = [await region.browser().post("/sign-up", form=form) for _ in range(2)]
    assert first.status == 303 and first.headers["Location"] == second.headers["Location"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company", ""),
        ("company", "x" * 121),
        ("company", "Acme\n\nYour account is locked: http://evil.example"),  # it stands in a mail to anybody
        ("name", ""),
        ("name", "  "),
        ("email", "nobody"),
        ("email", ""),
        ("password", "short"),
    ],
)
async def test_what_cannot_be_used_comes_back_with_the_reason(region: Region, field: str, value: str) -> None:
    form = filled(**{field: value})
    answer = await region.browser().post("/sign-up", form=form, headers={"Accept": "text/html"})
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text and answer.text.count("field-error") == 1
    assert "Acme &lt;b&gt;" in answer.text or field == "company"
    assert form["password"] not in answer.text and key_in(answer.text) == form["request_key"]


async def test_a_sign_up_that_was_taken_back_gets_a_new_form(region: Region, site: Site) -> None:
    one = wanted(request_key=secrets.token_hex(16))
    placed = await placement_of(site, one)
    await site.calls.call("eu-1", WORKSPACE_UNDO, OfWorkspace(workspace_id=placed.workspace_id))
    answer = await region.browser().post("/sign-up", form=filled(request_key=one.request_key))
    assert answer.status == 410 and "Begin again" in answer.text
    assert key_in(answer.text) != one.request_key
    again = await region.browser().post("/sign-up", form=filled(request_key=key_in(answer.text)))
    assert again.status == 303


async def test_one_address_cannot_sign_up_without_end_and_is_not_kept(region: Region) -> None:
    browser = region.browser()
    for _ in range(5):
        assert (await browser.post("/sign-up", form=filled())).status == 303
    assert (await browser.post("/sign-up", form=filled())).status == 429
    kept = "".join(str(name) for name in await region.provisioning.redis.keys("*"))
    assert "sign-up" in kept and browser.address not in kept


async def test_nothing_that_was_typed_is_kept_in_redis_or_the_registry(region: Region, site: Site) -> None:
    form = filled(company="Canary Company", name="Canary Name")
    assert (await region.browser().post("/sign-up", form=form)).status == 303
    redis = region.provisioning.redis
    kept = [str(name) for name in await redis.keys("*")]
    async with site.registry.database.outside() as session:
        for table in METADATA.sorted_tables:
            kept += [repr(row) for row in await session.execute(table.select())]
    assert len(kept) > 10
    for word in ("Canary", form["email"], PASSWORD):
        assert not [line for line in kept if word in line]


async def test_another_page_cannot_sign_anybody_up(region: Region) -> None:
    answer = await region.browser().post("/sign-up", form=filled(), headers={"Origin": "http://evil.example"})
    assert answer.status == 403


async def test_the_pages_run_no_script_and_load_nothing_foreign(region: Region) -> None:
    page = await region.browser().page("/sign-up")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "unsafe" not in policy
    assert "<script" not in page.text and "style=" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    style = re.search(r'rel="stylesheet" href="([^"]+)"', page.text)
    if style is not None:  # built by `make`
        assert (await region.browser().get(style[1])).headers["Content-Type"].startswith("text/css")
    assert (await region.browser().get("/static/other.css")).status == 404


async def test_what_is_no_key_leads_nowhere(region: Region) -> None:
    assert (await region.browser().page("/sign-up/done/https:evil")).status == 404


async def test_health_does_not_depend_on_the_control_plane(region: Region) -> None:
    told = json.loads((await region.browser().get("/readyz")).body)
    assert (told["ready"], told["down"]) == (True, {})
    assert told["feed"]["audience"] == "identity/eu" and told["feed"]["age_s"] >= 0


async def test_the_global_page_leads_to_the_regions(world: World) -> None:
    world.plane.settings.sign_up_urls.update(
        eu="http://provisioning-eu.localhost", us="http://provisioning-us.localhost"
    )
    page = await Browser(world.app, "control-plane.localhost", {}).page("/sign-up")
    assert page.status == 200 and "<form" not in page.text
    for region in ("eu", "us"):
        assert f'href="http://provisioning-{region}.localhost/sign-up"' in page.text
