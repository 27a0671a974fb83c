"""Handing mail over, to a real server."""

import pytest

from kit.mail import Mailer, MailNotSent
from kit.ports import free_port
from tests.servers.mail import mail_server

SENDER = "Cellcast <no-reply@cellcast.test>"


async def test_a_mail_arrives_as_it_was_said() -> None:
    with mail_server() as mailbox:
        await Mailer(mailbox.url, SENDER).send("ada@example.com", "Bestätigen Sie", "Öffnen Sie:\n\nhttps://go/x\n")
    (mail,) = mailbox.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ada@example.com", "Bestätigen Sie")
    assert mail.get_content() == "Öffnen Sie:\n\nhttps://go/x\n"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@cellcast.test>")


async def test_a_server_that_refuses_or_is_away_is_said_without_the_address() -> None:
    with mail_server() as mailbox:
        mailbox.refuse = "451 greylisted"
        with pytest.raises(MailNotSent) as refused:
            await Mailer(mailbox.url, SENDER).send("ada@example.com", "Subject", "Text")
        assert "ada" not in str(refused.value) and not mailbox.mails
    with pytest.raises(MailNotSent):
        await Mailer(f"smtp://127.0.0.1:{free_port()}", SENDER).send("ada@example.com", "Subject", "Text")


@pytest.mark.parametrize("header", ["Subject\r\nBcc: all@example.com", "Subject\nX: y"])
async def test_no_header_can_be_smuggled_in(header: str) -> None:
    with mail_server() as mailbox:
        with pytest.raises(ValueError):
            await Mailer(mailbox.url, SENDER).send("ada@example.com", header, "Text")
        assert not mailbox.mails


@pytest.mark.parametrize(
    "to",
    [
        "eve@evil.example,ada@example.com",
        "<eve@evil.example> ada@example.com",
        "ada@example.com\nBcc: eve@evil.example",
    ],
)
async def test_a_mail_goes_to_one_address_or_to_nobody(to: str) -> None:
    with mail_server() as mailbox:
        with pytest.raises(MailNotSent):
            await Mailer(mailbox.url, SENDER).send(to, "Subject", "Text")
        assert not mailbox.mails
        await Mailer(mailbox.url, SENDER).send("ada+o'neil.b_c@sub.example.com", "Subject", "Text")
        assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("url", "sender"), [("http://x", SENDER), ("smtp://", SENDER), ("smtp://x", "nobody")])
def test_what_is_no_server_or_sender_is_refused_at_start(url: str, sender: str) -> None:
    with pytest.raises(ValueError, match="mail"):
        Mailer(url, sender)
