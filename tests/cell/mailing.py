"""Fixtures of mail: the server that takes it, a cell that sends to it, and the links in what it took."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from tests.cell.world import GO, World
from tests.servers.mail import Mailbox, mail_server


@pytest.fixture(scope="session")
def mail_box() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def mailbox(mail_box: Mailbox) -> Mailbox:
    """Empty, and taking what comes."""
    mail_box.mails.clear()
    mail_box.refuse = ""
    return mail_box


@pytest.fixture
def mailing(world: World, mailbox: Mailbox) -> World:
    """The cell with a mail server, for jobs."""
    settings = world.cell.settings.model_copy(update={"smtp_url": SecretStr(mailbox.url)})
    return replace(world, cell=replace(world.cell, settings=settings))


def path_in(mailbox: Mailbox, what: str) -> str:
    """The path that the last mail leads to: /w/{key}/`what`/{secret}."""
    text = mailbox.mails[-1].get_content()
    found = re.search(rf"^{GO}(/w/[a-z0-9]+/{what}/[0-9a-f]{{64}})$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]
