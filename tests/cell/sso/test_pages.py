"""Setting it up as an admin does: step by step, and what goes wrong is said on the page where it was done."""

from base64 import b64encode
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from cell.audit.models import AuditEntry
from cell.sso import connections, saving
from cell.sso.vendors import GUIDES
from contracts.identity import Vendor
from contracts.peers import REGISTRY
from contracts.signing_in import LARGEST_METADATA, MetadataRefused, Purpose
from contracts.signing_in import Answer as SaidAnswer
from tests.cell.browser import PAGE, Answer, Browser
from tests.cell.identity import IDP, PROVISIONING, Office, certificate, connection, facts


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs beside these tests, so nothing arrives while a page waits for it."""
    monkeypatch.setattr(saving, "ARRIVES_S", 0.0)


@pytest.fixture
async def admin(office: Office) -> Browser:
    """By single sign-on, since what is enforced here leaves no other."""
    return await office.world.signed_in(office.workspace, office.workspace.admin, "sso")


async def post(office: Office, browser: Browser, path: str, **form: Any) -> Answer:
    if "version" not in form:
        async with office.cell.database.reading(office.workspace.id) as tx:
            form["version"] = str((await saving.standing(tx, office.cell, office.key)).version)
    headers = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.post(f"{office.base}/sso/{path}", data=urlencode(form, doseq=True), headers=headers)
    await office.jobs()
    return answer


async def connected(office: Office, admin: Browser) -> None:
    answer = await post(office, admin, "provider", vendor="okta", url="https://acme.okta.example/metadata")
    assert answer.headers["Location"] == f"{office.base}/sso/mapping", answer.text


async def try_it(office: Office, admin: Browser) -> None:
    assert (await admin.post(f"{office.base}/sso/test", form={}, headers=PAGE)).status == 200
    nonce = office.others.last("saml.begin").nonce
    said = office.said(nonce, office.workspace.admin.email, purpose=Purpose.TEST, role="auditor")
    assert (await office.complete(admin, await office.give(said))).status == 303


async def complete_test(office: Office, admin: Browser, code: str) -> Answer:
    """The window of a test, at its end."""
    return await admin.page((await office.complete(admin, code)).headers["Location"])


async def test_the_whole_way(office: Office, admin: Browser) -> None:
    page = await admin.page(f"{office.base}/sso")
    for name in ("Okta", "Microsoft Entra ID", "Google Workspace", "Keycloak", "Another one"):
        assert name in page.text
    page = await admin.page(f"{office.base}/sso/provider?vendor=okta")
    for text in ("Audience URI (SP Entity ID)", "https://provisioning-eu.example/saml/acs", "data-copy"):
        assert text in page.text
    await connected(office, admin)
    asked = office.others.last("saml.metadata")
    assert (asked.url, asked.document) == ("https://acme.okta.example/metadata", "")
    page = await admin.page(f"{office.base}/sso/mapping")
    assert 'value="firstName"' in page.text
    mapping = {"email": "email", "groups": "teams", "group": ["Leads", ""], "role": ["admin", "agent"]}
    answer = await post(office, admin, "mapping", **mapping, just_in_time="true", sign_requests="true")
    assert answer.headers["Location"] == f"{office.base}/sso/test"
    made = connections.of(office.cell, office.key)
    assert made is not None and made.just_in_time and made.vendor is Vendor.OKTA and not made.enabled
    assert [(one.group, one.role) for one in made.attributes.roles] == [("Leads", "admin")]
    assert "Begin the test" in (await admin.page(f"{office.base}/sso/test")).text
    await try_it(office, admin)
    last = await admin.page(f"{office.base}/sso/test/last")
    assert "Ada Admin would come in." in last.text and "Role: Auditor." in last.text and "<html" not in last.text
    assert "Switch on" in (await admin.page(f"{office.base}/sso")).text
    assert (await post(office, admin, "enable")).status == 303
    assert "Make it the only way in" in (await admin.page(f"{office.base}/sso")).text
    assert (await post(office, admin, "enforce")).status == 303
    assert "The only way in" in (await admin.page(f"{office.base}/sso")).text
    assert (await post(office, admin, "relax")).status == 303
    assert (await post(office, admin, "disable", name=" Acme Support ")).status == 303
    assert (await post(office, admin, "remove", name="Acme Support")).status == 303
    assert "Which product do you use?" in (await admin.page(f"{office.base}/sso")).text


@pytest.mark.parametrize("vendor", Vendor)
async def test_each_product_has_its_guide(office: Office, admin: Browser, vendor: Vendor) -> None:
    page = await admin.page(f"{office.base}/sso/provider?vendor={vendor.value}")
    guide = GUIDES[vendor]
    assert page.status == 200
    for field in (*guide.entity_id, *guide.acs_url, *(name for name, _ in guide.choose)):
        assert field.replace("&", "&amp;").replace(">", "&gt;") in page.text
    answer = await post(office, admin, "provider", vendor=vendor.value, url="https://idp.example/metadata")
    assert answer.status == 303, answer.text
    made = connections.of(office.cell, office.key)
    assert made is not None and made.attributes == guide.attributes and made.name_id_format is guide.name_id_format


async def test_our_certificate_comes_as_a_file_too(office: Office, admin: Browser) -> None:
    page = await admin.page(f"{office.base}/sso/provider?vendor=entra")
    assert f'href="{office.base}/sso/our-certificates/0"' in page.text
    file = await admin.page(f"{office.base}/sso/our-certificates/0")
    assert (file.status, file.text) == (200, "-----BEGIN CERTIFICATE-----\nours\n")
    assert file.headers["Content-Disposition"] == 'attachment; filename="cellcast.cer"'
    assert (await admin.page(f"{office.base}/sso/our-certificates/1")).status == 404
    google = await admin.page(f"{office.base}/sso/provider?vendor=google")
    assert "our-certificates" not in google.text, "it neither checks requests nor encrypts"


async def test_our_values_stand_in_the_order_of_the_products_form(office: Office, admin: Browser) -> None:
    for vendor in ("okta", "entra"):
        text = (await admin.page(f"{office.base}/sso/provider?vendor={vendor}")).text
        assert (text.index('id="our-entity"') < text.index('id="our-acs"')) is (vendor == "entra")


async def test_a_test_says_which_attributes_are_missing_and_where_a_refusal_is_mended(
    office: Office, admin: Browser
) -> None:
    await connected(office, admin)
    await admin.post(f"{office.base}/sso/test", form={}, headers=PAGE)
    nonce = office.others.last("saml.begin").nonce
    sent = SaidAnswer(issuer=IDP, attributes=(("mail", ("eve@elsewhere.example",)), ("firstName", ("Eve",))))
    said = office.said(nonce, "eve@elsewhere.example", purpose=Purpose.TEST, answer=sent)
    shown = await complete_test(office, admin, await office.give(said))
    for page in (shown, await admin.page(f"{office.base}/sso/test/last")):
        assert "domain-unverified" in page.text and "It did not send email, lastName." in page.text
    mend = f'class="button button-secondary" href="{office.base}/domains"'
    assert mend in (await admin.page(f"{office.base}/sso/test/last")).text
    line = await admin.page(f"{office.base}/sign-ins/{said.reference}")
    assert mend in line.text
    auditor = await office.world.signed_in(office.workspace, await office.world.member(office.workspace, "auditor"))
    line = await auditor.page(f"{office.base}/sign-ins/{said.reference}")
    assert mend not in line.text, "an auditor changes nothing"


async def test_of_two_certificates_one_sees_which_signed_last(office: Office, admin: Browser) -> None:
    await connected(office, admin)
    office.others.metadata = facts(certificates=(b64encode(certificate()).decode(),))
    await post(office, admin, "certificates", url="https://acme.okta.example/metadata")
    assert "Signed last" not in (await admin.page(f"{office.base}/sso")).text
    made = connections.of(office.cell, office.key)
    assert made is not None and len(made.certificates) == 2
    signed = SaidAnswer(issuer=IDP, certificates=(saving.of_certificate(made.certificates[1]),))
    await admin.post(f"{office.base}/sso/test", form={}, headers=PAGE)
    nonce = office.others.last("saml.begin").nonce
    await office.give(office.said(nonce, office.workspace.admin.email, purpose=Purpose.TEST, answer=signed))
    rows = (await admin.page(f"{office.base}/sso")).text.split('<th scope="row">')[1:]
    assert ["Signed last" in row for row in rows] == [False, True]


async def test_until_a_domain_is_verified_the_first_page_and_the_test_say_so(office: Office) -> None:
    """Begun with the domain, DNS has time until the rest is done."""
    workspace = await office.world.found()
    office.others.keys[workspace.id] = workspace.key
    fresh = replace(office, workspace=workspace)
    browser = await office.world.signed_in(workspace, workspace.admin)
    assert "Verify your domain" in (await browser.page(f"{fresh.base}/sso")).text
    await connected(fresh, browser)
    assert "Verify your domain" in (await browser.page(f"{fresh.base}/sso/test")).text
    await fresh.verify("example.com")
    for path in ("sso", "sso/test"):
        assert "Verify your domain" not in (await browser.page(f"{fresh.base}/{path}")).text


async def test_a_file_does_as_well(office: Office, admin: Browser) -> None:
    file = FileStorage(BytesIO(b"<EntityDescriptor/>"), filename="metadata.xml")
    answer = await admin.post(
        f"{office.base}/sso/provider", form={"vendor": "google", "version": "0"}, files={"file": file}, headers=PAGE
    )
    assert answer.status == 303, answer.text
    assert office.others.last("saml.metadata").document == "<EntityDescriptor/>"


async def test_the_way_that_was_refused_is_open(office: Office, admin: Browser) -> None:
    office.others.metadata = MetadataRefused("This is not XML.")
    path, form = f"{office.base}/sso/provider", {"vendor": "okta"}
    by_url = await admin.post(path, form={**form, "url": "https://idp.example/metadata"}, headers=PAGE)
    file = FileStorage(BytesIO(b"no"), filename="no.xml")
    by_file = await admin.post(path, form=form, files={"file": file}, headers=PAGE)
    for answer, id in ((by_url, "metadata-url"), (by_file, "metadata-file")):
        _, opened = answer.text.split('<details class="way" open>')
        assert answer.status == 422 and f'id="{id}"' in opened.partition("</details>")[0]
    async with office.cell.database.reading(office.workspace.id) as tx:
        noted = await tx.all(
            select(AuditEntry).where(AuditEntry.action == "sso.refuse_metadata").order_by(AuditEntry.seq)
        )
    assert [one.stored["details"] for one in noted] == [
        {"from": "idp.example", "reason": "This is not XML."},
        {"from": "", "reason": "This is not XML."},
    ]


async def test_a_file_that_is_too_large_is_not_even_sent_on(office: Office, admin: Browser) -> None:
    file = FileStorage(BytesIO(b"x" * (LARGEST_METADATA + 1)), filename="metadata.xml")
    answer = await admin.post(
        f"{office.base}/sso/provider", form={"vendor": "google"}, files={"file": file}, headers=PAGE
    )
    assert answer.status == 422 and "512 KB" in answer.text and office.others.count("saml.metadata") == 0


def by_hand(**changes: str) -> dict[str, str]:
    lines = b64encode(certificate()).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
    return {"entity_id": IDP, "sso_url": "https://idp.acme.example/sso", "certificates": pem, **changes}


async def test_so_do_the_parts_by_hand(office: Office, admin: Browser) -> None:
    two = by_hand()["certificates"] * 1 + by_hand()["certificates"]
    assert (await post(office, admin, "provider", vendor="other", **by_hand(certificates=two))).status == 303
    made = connections.of(office.cell, office.key)
    assert made is not None and len(made.certificates) == 2 and office.others.count("saml.metadata") == 0


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Paste the address"),
        (by_hand(entity_id=""), "Fill in"),
        (by_hand(certificates="no certificate"), "cannot be used"),
        (by_hand(sso_url="http://idp.acme.example/sso"), "https://"),
        (by_hand(sso_url="javascript:alert(1)"), "https://"),
    ],
)
async def test_what_cannot_be_used_comes_back_with_the_reason(
    office: Office, admin: Browser, form: dict[str, str], says: str
) -> None:
    answer = await post(office, admin, "provider", vendor="other", **form)
    assert answer.status == 422 and says in answer.text
    assert connections.of(office.cell, office.key) is None
    if form.get("entity_id"):
        assert IDP in answer.text  # what was typed stays


async def test_what_provisioning_says_of_metadata_is_shown(office: Office, admin: Browser) -> None:
    office.others.metadata = MetadataRefused("It is of a service, not of an identity provider.")
    answer = await post(office, admin, "provider", vendor="okta", url="https://x.example/")
    assert answer.status == 422 and "not of an identity provider" in answer.text and "https://x.example/" in answer.text


async def test_provisioning_away(office: Office, admin: Browser) -> None:
    office.others.away.add(PROVISIONING)
    page = await admin.page(f"{office.base}/sso/provider?vendor=okta")
    assert page.status == 503 and "cannot be shown just now" in page.text
    assert (await post(office, admin, "provider", vendor="okta", url="https://x.example/")).status == 503


async def test_the_registry_away_is_said_and_the_change_is_not_lost(office: Office, admin: Browser) -> None:
    office.others.away.add(REGISTRY)
    await connected(office, admin)
    page = await admin.page(f"{office.base}/sso")
    assert "on its way" in page.text and "Okta" in page.text


async def test_a_test_or_a_switch_before_its_time_says_what_is_missing(office: Office, admin: Browser) -> None:
    assert (await admin.page(f"{office.base}/sso/test")).status == 303
    answer = await admin.post(f"{office.base}/sso/test", form={}, headers=PAGE)
    assert answer.status == 409
    assert "There is no connection yet" in (await post(office, admin, "enable")).text
    await connected(office, admin)
    assert "Test the connection as it is now first" in (await post(office, admin, "enable")).text
    assert "Switch single sign-on on first" in (await post(office, admin, "enforce")).text


@pytest.mark.parametrize("act", ["disable", "remove"])
async def test_switching_off_and_removing_are_meant(office: Office, admin: Browser, act: str) -> None:
    office.connect()
    answer = await post(office, admin, act, name="Acme")
    assert answer.status == 422 and "Nothing has changed" in answer.text
    assert connections.enabled(office.cell, office.key) is not None


async def test_changing_what_everybody_signs_in_by_is_asked_twice(office: Office, admin: Browser) -> None:
    office.connect(enforced=True, vendor=Vendor.OKTA)
    office.others.metadata = facts(entity_id="https://new.example")
    answer = await post(office, admin, "provider", vendor="okta", url="https://new.example/metadata")
    assert answer.status == 409 and "may be unable to sign in" in answer.text and 'name="sure"' in answer.text
    assert "https://new.example" in answer.text and "BEGIN CERTIFICATE" in answer.text
    sure = {**by_hand(entity_id="https://new.example"), "sure": "true", "vendor": "okta"}
    assert (await post(office, admin, "provider", **sure)).status == 303
    made = connections.of(office.cell, office.key)
    assert made is not None and made.idp_entity_id == "https://new.example" and made.enforced


async def test_certificates_are_added_and_removed(office: Office, admin: Browser) -> None:
    made = office.connect()
    assert (await post(office, admin, "certificates", url="https://idp.example/metadata")).status == 303
    both = connections.of(office.cell, office.key)
    assert both is not None and len(both.certificates) == 2
    old = saving.of_certificate(made.certificates[0])
    assert (await post(office, admin, f"certificates/{old}/remove")).status == 303
    left = connections.of(office.cell, office.key)
    assert left is not None and len(left.certificates) == 1
    last = saving.of_certificate(left.certificates[0])
    answer = await post(office, admin, f"certificates/{last}/remove")
    assert answer.status == 409 and "last certificate" in answer.text
    office.others.metadata = facts(entity_id="https://other.example")
    answer = await post(office, admin, "certificates", url="https://idp.example/metadata")
    assert answer.status == 409 and "another identity provider" in answer.text


async def test_a_stale_page_changes_nothing(office: Office, admin: Browser) -> None:
    await connected(office, admin)
    for path, form in (
        ("mapping", {"email": "x"}),
        ("provider", {"url": "https://x.example/", "vendor": "okta"}),
        ("remove", {"name": "Acme Support"}),
    ):
        answer = await post(office, admin, path, version="0", **form)
        assert answer.status == 409 and "Somebody else has changed" in answer.text


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ("leads@example.com", "A name with @ cannot be used here"),
        ("a\tb", "a sign in it that cannot be seen"),
        ("Leads\u00a0EU", "a sign in it that cannot be seen"),
        ("x" * 257, ""),
    ],
)
async def test_groups_that_are_none_are_refused(office: Office, admin: Browser, group: str, says: str) -> None:
    await connected(office, admin)
    answer = await post(office, admin, "mapping", group=[group], role=["admin"])
    assert answer.status == 422 and says in answer.text and "Value error" not in answer.text


@pytest.mark.parametrize("group", ["x" * 256, "CN=Leads,OU=Support,DC=acme", "Führung & Leitung <EU>", "支持/领导"])
async def test_groups_are_called_what_they_are_called(office: Office, admin: Browser, group: str) -> None:
    await connected(office, admin)
    assert (await post(office, admin, "mapping", group=[group], role=["admin"])).status == 303
    made = connections.of(office.cell, office.key)
    assert made is not None and [one.group for one in made.attributes.roles] == [group]


async def test_an_attribute_is_no_address_either(office: Office, admin: Browser) -> None:
    await connected(office, admin)
    answer = await post(office, admin, "mapping", email="mail@example.com")
    assert answer.status == 422 and "A name with @" in answer.text and 'value="mail@example.com"' in answer.text


async def test_the_role_of_an_owner_is_not_for_groups_to_give(office: Office, admin: Browser) -> None:
    await connected(office, admin)
    assert (await post(office, admin, "mapping", group=["Bosses"], role=["owner"])).status == 422


async def test_who_may(office: Office) -> None:
    office.connect()
    for role, reads, changes in (("agent", 403, 403), ("auditor", 200, 403), ("admin", 200, 200), ("owner", 200, 200)):
        browser = await office.world.signed_in(office.workspace, await office.world.member(office.workspace, role))
        assert (await browser.page(f"{office.base}/sso")).status == reads
        for path in ("provider", "mapping", "test"):
            assert (await browser.page(f"{office.base}/sso/{path}")).status == changes, (role, path)
        for path in ("enable", "enforce", "relax", "disable", "remove", "provider", "mapping", "test", "certificates"):
            answer = await browser.post(f"{office.base}/sso/{path}", form={"version": "99"}, headers=PAGE)
            assert (answer.status == 403) is (changes == 403), (role, path)
    assert "<form" not in (await _auditors(office)).partition('id="content"')[2]


async def _auditors(office: Office) -> str:
    browser = await office.world.signed_in(office.workspace, await office.world.member(office.workspace, "auditor"))
    return (await browser.page(f"{office.base}/sso")).text


async def test_a_test_page_is_for_those_who_may_see_the_log(office: Office, admin: Browser) -> None:
    await connected(office, admin)
    await try_it(office, admin)
    last = (await admin.page(f"{office.base}/sso/test/last")).text
    reference = last.partition("/sso/tests/")[2].partition('"')[0]
    assert (await admin.page(f"{office.base}/sso/tests/{reference}")).status == 200
    agent = await office.world.signed_in(office.workspace, office.workspace.agent)
    assert (await agent.page(f"{office.base}/sso/tests/{reference}")).status == 403
    assert (await admin.page(f"{office.base}/sso/tests/0000000000")).status == 404


async def test_texts_of_others_stay_text(office: Office, admin: Browser) -> None:
    evil = "https://x.example/<script>alert(1)</script>%(name)s"
    office.others.feed.say(office.key, connection(office.workspace, idp_entity_id=evil))
    page = await admin.page(f"{office.base}/sso")
    assert page.status == 200 and "<script>alert" not in page.text
