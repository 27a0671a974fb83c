"""The start of a sign-in: a domain of one workspace leads there, and everybody else is answered the very same."""

import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.domains import MOST_WORKSPACES
from contracts.links import new_secret
from contracts.placements import State
from kit.guesses import Guesses
from kit.i18n import LANGUAGES
from kit.workers import Rows
from router.door import Door, Guards
from router.pages import Pages
from tests.router.world import CELLS, EU, FILES, GO, KEYS, REGIONS, UNKNOWN_KEY, US, US_KEY, Answered, Asker

KEY = KEYS[State.ACTIVE]
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


async def start(ask: Asker, query: str = "", method: str = "GET", **headers: str) -> Answered:
    return await ask("/sign-in", method, query.encode(), accept=HTML, **headers)


def hidden(ask: Asker) -> None:
    """Domains in each state that one can be in."""
    ask.domains = {
        "acme.example": [KEY],
        "globex.example": [US_KEY],
        "both.example": [KEY, US_KEY],
        "suspended.example": [KEYS[State.SUSPENDED]],
        "deleting.example": [KEYS[State.DELETING]],
        "frozen.example": [KEYS[State.FROZEN]],
        "unknown.example": [UNKNOWN_KEY],
        "one-left.example": [KEYS[State.SUSPENDED], US_KEY, KEYS[State.DELETED], KEYS[State.PROVISIONING]],
        "many.example": [KEY, *KEYS.values(), US_KEY],
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_domain_of_one_workspace_leads_to_its_cell(ask: Asker, method: str) -> None:
    hidden(ask)
    for domain, to in {
        "acme.example": f"{EU}/w/{KEY}/sign-in",
        "globex.example": f"{US}/w/{US_KEY}/sign-in",
        "one-left.example": f"{US}/w/{US_KEY}/sign-in",
        "%20ACME.Example.%20": f"{EU}/w/{KEY}/sign-in",
    }.items():
        answered = await start(ask, f"domain={domain}", method)
        assert (answered.status, answered.headers["location"], answered.body) == (302, to, b"")
        assert answered.headers["referrer-policy"] == "no-referrer"
        assert answered.headers["cache-control"] == "no-store"


async def test_a_domain_that_is_not_ascii_leads_too(ask: Asker) -> None:
    ask.domains = {"xn--bcher-kva.example": [KEY]}
    assert (await start(ask, f"domain={quote('Bücher.example')}")).status == 302


async def test_none_and_several_are_one_and_the_same(ask: Asker) -> None:
    hidden(ask)
    alike = ["nobody.example", "both.example", "suspended.example", "deleting.example", "unknown.example"]
    alike += ["many.example", "xn--nobody.example"]
    for language in LANGUAGES:
        answers = [await start(ask, f"domain={one}", accept_language=language) for one in alike]
        assert {answered.status for answered in answers} == {200}
        assert all(answered.messages == answers[0].messages for answered in answers)
        assert "example" not in re.sub("bcdfgh23", "", answers[0].text)


async def test_as_many_questions_are_asked_of_the_map_whatever_the_answer(ask: Asker) -> None:
    hidden(ask)
    for domain in ("nobody.example", "acme.example", "both.example", "many.example"):
        ask.looked_up = 0
        await start(ask, f"domain={domain}")
        assert ask.looked_up == MOST_WORKSPACES


async def test_what_is_no_domain_gets_that_page_too(ask: Asker) -> None:
    same = (await start(ask, "domain=nobody.example")).messages
    for text in ("", "x", "..", "a b", "%00", "%ff", "localhost", "a" * 300 + ".example", "acme.example&x=1", "%2540"):
        assert (await start(ask, f"domain={text}")).messages == same


async def test_a_workspace_that_moves_just_now_is_asked_to_wait(ask: Asker) -> None:
    hidden(ask)
    answered = await start(ask, "domain=frozen.example")
    assert (answered.status, answered.headers["retry-after"]) == (503, "3")


@pytest.mark.parametrize(
    "query",
    [
        f"domain={quote('ada@acme.example')}",
        "domain=ada@acme.example",
        f"domain={quote_plus('Ada Lovelace <ada@acme.example')}",
        f"workspace={quote('ada@acme.example')}",
        "email=ada@acme.example&next=/x",
        "ada@acme.example",
        "a=1&domain=ada%40ACME.example.",
    ],
)
async def test_an_address_that_comes_all_the_same_is_cut_to_its_domain(
    ask: Asker, query: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden(ask)
    answered = await start(ask, query)
    assert (answered.status, answered.headers["location"]) == (302, "/sign-in?domain=acme.example")
    assert answered.headers["referrer-policy"] == "no-referrer"
    assert capsys.readouterr() == ("", "")


@given(text=st.text(max_size=40), name=st.sampled_from(["domain", "workspace", "x", ""]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
async def test_whatever_is_typed_an_address_is_neither_shown_nor_passed_on(ask: Asker, text: str, name: str) -> None:
    hidden(ask)
    for query in (f"{name}={quote(text + '@acme.example')}", f"{name}={quote('ada@' + text)}"):
        answered = await start(ask, query)
        assert answered.status == 302
        location = answered.headers["location"]
        assert re.fullmatch(r"/sign-in\?domain=[a-z0-9.-]*", location)
        assert (await start(ask, location.partition("?")[2])).status in {200, 302}


@pytest.mark.parametrize(
    "typed",
    [
        KEY,
        f" {KEY.upper()} ",
        f"{GO}/{KEY}",
        f"{GO}/{KEY}/",
        f"{GO}/{KEY}-SECRET",
        f"{GO}/w/{KEY}/library?q=x",
        f"{EU}/w/{KEY}/sign-in",
        f"go.example/{KEY}#x",
    ],
)
async def test_a_key_or_what_holds_one_leads_to_its_cell(ask: Asker, typed: str) -> None:
    answered = await start(ask, f"workspace={quote_plus(typed.replace('SECRET', new_secret(KEY)))}")
    assert (answered.status, answered.headers.get("location")) == (302, f"{EU}/w/{KEY}/sign-in")


async def test_a_key_that_nobody_has_comes_back_with_the_reason(ask: Asker) -> None:
    for typed in ("", "acme", UNKNOWN_KEY, KEYS[State.PROVISIONING], "//evil.example", "x" * 3000):
        answered = await start(ask, f"workspace={typed}")
        assert answered.status == 404
        assert "No workspace has this key" in answered.text
        assert 'aria-invalid="true"' in answered.text
    for state, status in {State.SUSPENDED: 403, State.DELETED: 410, State.FROZEN: 503}.items():
        assert (await start(ask, f"workspace={KEYS[state]}")).status == status


async def test_the_first_page_asks_for_the_address_in_a_field_without_its_own_word_for_it(ask: Asker) -> None:
    for query in ("", "x=1", "next=/library", "="):
        answered = await start(ask, query)
        assert answered.status == 200
        assert "Work e-mail" in answered.text
        assert 'name="email"' not in answered.text


async def test_a_form_may_lead_to_cells_and_nowhere_else(ask: Asker) -> None:
    for query in ("", "domain=nobody.example", "workspace=x"):
        policy = (await start(ask, query)).headers["content-security-policy"]
        assert policy == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
            f"script-src 'self'; form-action 'self' {' '.join(one.url for one in CELLS)}"
        )
    assert "form-action 'none'" in (await ask("/")).headers["content-security-policy"]


async def test_each_region_that_mails_links_is_offered(ask: Asker) -> None:
    text = (await start(ask, "domain=nobody.example")).text
    assert all(f'href="{url}/find"' in text for url in REGIONS.values())


async def test_who_guesses_domains_is_soon_told_nothing_while_others_behind_the_address_work_on(
    ask: Asker, pages: Pages, rows: Rows, guards: Guards
) -> None:
    hidden(ask)
    ask.door = Door(ask, pages, FILES, guards._replace(guesses=Guesses(30)), rows.rows[0])
    assert (await start(ask, "domain=acme.example")).status == 302
    # None and several cost the same: what is left of a limit tells nothing either.
    statuses = [(await start(ask, f"domain={name}")).status for name in ("nobody.example", "both.example") * 18]
    assert statuses == [200] * 30 + [429] * 6
    assert (await start(ask, "domain=globex.example")).status == 429
    assert (await start(ask, f"workspace={US_KEY}")).status == 429
    assert (await start(ask, "domain=acme.example")).status == 302
    assert (await start(ask)).status == 200
    ask.address = "192.0.2.2"
    assert (await start(ask, "domain=globex.example")).status == 302


async def test_without_a_map_it_says_that_it_is_starting(ask: Asker) -> None:
    ask.snapshot = None
    assert (await start(ask)).status == 200
    assert (await start(ask, "domain=acme.example")).status == 503


async def test_nothing_is_posted_to_it(ask: Asker) -> None:
    assert (await start(ask, "", "POST")).status == 405
