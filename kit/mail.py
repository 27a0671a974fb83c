"""The door to the mail server (SMTP, RFC 5321): plain text to one address, encrypted wherever the server can."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from kit.mailboxes import domain_of

WITHIN_S = 20


class MailNotSent(Exception):
    """The server did not take the mail, or is away. The text says how, without the address."""


class Mailer:
    """Sends mail by `url`: `smtps://user:password@host:465`, or `smtp://host:25`, which is encrypted if it can be."""

    def __init__(self, url: str, sender: str) -> None:
        """`sender` is "Name <address>". Raises ValueError for what is no such address or url."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("the mail server is smtp://host:port or smtps://host:port")
        if "@" not in parseaddr(sender)[1]:
            raise ValueError("the sender is no mail address")
        self._host, self._port = parts.hostname, parts.port or (465 if parts.scheme == "smtps" else 25)
        self._implicit_tls = parts.scheme == "smtps"
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender
        self._domain = parseaddr(sender)[1].rpartition("@")[2]

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand a mail over to the server. Raises MailNotSent; it may then have been taken or not."""
        message = EmailMessage()
        message["From"], message["Subject"] = self._sender, subject
        if domain_of(to) is None:  # `a@b, c@d` is one text and two people
            raise MailNotSent("not one address")
        message["To"] = to
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self._domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
        message.set_content(text)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._implicit_tls,
                tls_context=ssl.create_default_context(),
                timeout=WITHIN_S,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailNotSent(type(error).__name__) from None
