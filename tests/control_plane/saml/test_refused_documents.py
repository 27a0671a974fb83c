"""What is no answer, or is made to break whoever reads it: refused before anything in it counts, in bounded time."""

import base64
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from control_plane.saml.reasons import Reason, Refused
from tests.control_plane.saml import idp
from tests.control_plane.saml.idp import NS, SAMLP, Says
from tests.control_plane.saml.world import ask, reason

GOOD = etree.tostring(idp.signed())
NAME = b"ada@customer.example"


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


def with_doctype(doctype: bytes) -> bytes:
    return b'<?xml version="1.0"?>' + doctype + GOOD


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.replace(NAME, b"ada@customer.example<!-- -->.evil.example"), Reason.COMMENT),
        (GOOD.replace(NAME, b"<!-- x -->ada@customer.example"), Reason.COMMENT),
        (GOOD.replace(NAME, b"ada@customer.example<?x y?>.evil.example"), Reason.COMMENT),
        (b"<!-- before -->" + GOOD, Reason.COMMENT),
        (GOOD + b"<?after it?>", Reason.COMMENT),
        (GOOD.replace(b"<ds:DigestValue>", b"<ds:DigestValue><!-- x -->"), Reason.COMMENT),
        (with_doctype(b"<!DOCTYPE Response>"), Reason.DOCTYPE),
        (with_doctype(b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>').replace(NAME, b"&x;"), Reason.DOCTYPE),
        (with_doctype(b'<!DOCTYPE r SYSTEM "http://attacker.example/x.dtd">'), Reason.DOCTYPE),
        (
            with_doctype(
                b'<!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
                b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
            ).replace(NAME, b"&c;"),
            Reason.DOCTYPE,
        ),
        (GOOD.replace(NAME, b"&unknown;"), Reason.NOT_XML),
        (GOOD[:-20], Reason.NOT_XML),
        (b"", Reason.NOT_XML),
        (b"hello", Reason.NOT_XML),
        (b"\xff\xfe" + GOOD.decode().encode("utf-16-le"), Reason.NOT_XML),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + GOOD, Reason.NOT_XML),
        (b'<?xml version="1.0" encoding="UTF-7"?>' + GOOD, Reason.NOT_XML),
        (GOOD.replace(NAME, b"ada\x00"), Reason.NOT_XML),
        (GOOD.replace(NAME, b"\xc3\x28"), Reason.NOT_XML),
        (zlib.compress(GOOD)[2:-4], Reason.NOT_XML),
        (b"<a>" * 100 + b"</a>" * 100, Reason.TOO_DEEP),
        (b"<a>" + b"<b/>" * 20_000 + b"</a>", Reason.TOO_DEEP),
        (b"<a/>", Reason.NOT_A_RESPONSE),
        (etree.tostring(idp.assertion(Says())), Reason.NOT_A_RESPONSE),
        (f'<p:LogoutRequest xmlns:p="{SAMLP}" ID="_1" Version="2.0"/>'.encode(), Reason.NOT_A_RESPONSE),
        (f'<p:ArtifactResponse xmlns:p="{SAMLP}">'.encode() + GOOD + b"</p:ArtifactResponse>", Reason.NOT_A_RESPONSE),
        (
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">' + GOOD + b"</s:Envelope>",
            Reason.NOT_A_RESPONSE,
        ),
        (GOOD.replace(b"<samlp:Status>", b"<samlp:Nonsense/><samlp:Status>"), Reason.SCHEMA),
        (GOOD.replace(b' Version="2.0"', b' Version="2.0" Odd="1"'), Reason.SCHEMA),
        (GOOD.replace(b' ID="', b' Odd="'), Reason.SCHEMA),
    ],
)
def test_no_answer(text: bytes, why: Reason) -> None:
    assert reason(text) is why


@pytest.mark.parametrize("field", ["%%%", "a", "=" * 8, "é", "PHNhbWw+\x00"])
def test_not_base64(field: str) -> None:
    assert reason(field) is Reason.NOT_BASE64


def test_300_kilobytes() -> None:
    assert reason(b"<a>" + b"x" * 300_000 + b"</a>") is Reason.TOO_LARGE
    assert reason("A" * 4_000_000) is Reason.TOO_LARGE


def test_256_kilobytes_are_read() -> None:
    padded = idp.signed(Says(attributes={"groups": [f"group-{n:04}-{'x' * 200}" for n in range(800)]}))
    assert 200_000 < len(etree.tostring(padded)) < 256 * 1024
    assert len(dict(ask(padded).attributes)["groups"]) == 800


@pytest.mark.parametrize("wbits", [-15, 15, 31])
def test_a_deflate_bomb_is_never_inflated(wbits: int) -> None:
    packer = zlib.compressobj(9, wbits=wbits)
    bomb = packer.compress(b"<a>" + b" " * 100_000_000) + packer.flush()
    assert len(bomb) < 256 * 1024
    begun = time.perf_counter()
    assert reason(b64(bomb)) is Reason.NOT_XML
    assert time.perf_counter() - begun < 0.5


def test_broken_lines_are_taken() -> None:
    field = idp.text(idp.signed())
    assert ask("\r\n".join(field[at : at + 76] for at in range(0, len(field), 76))).name_id == NAME.decode()


@given(st.binary(max_size=2_000))
@settings(max_examples=200)
def test_any_bytes_are_refused_for_a_reason(text: bytes) -> None:
    assert isinstance(reason(text), Reason)


@given(st.text(max_size=2_000))
@settings(max_examples=100)
def test_any_field_is_refused_for_a_reason(field: str) -> None:
    assert isinstance(reason(field), Reason)


def every_part(root: idp.Element) -> list[tuple[str, str]]:
    parts = []
    tree = root.getroottree()
    for element in root.iter():
        path = tree.getelementpath(element)
        parts.append((path, "remove"))
        parts.append((path, "twice"))
        parts.extend((path, str(name)) for name in element.attrib)
        if element.text:
            parts.append((path, "text"))
    return parts


@given(st.data())
@settings(max_examples=300)
def test_one_change_anywhere_is_refused_for_a_reason(data: st.DataObject) -> None:
    """Remove, double or change any one element, attribute or text of a response signed in both places."""
    root = etree.fromstring(GOOD)
    path, what = data.draw(st.sampled_from([one for one in every_part(root) if one[0] != "."]))
    element = root.find(path)
    assert element is not None
    parent = element.getparent()
    assert parent is not None
    if what == "remove":
        if element.tag == f"{{{NS['ds']}}}KeyInfo" or (
            parent.getparent() is None and str(element.tag).endswith("}Signature")
        ):
            return  # neither counts: keys are pinned, and here the response need not be signed
        parent.remove(element)
    elif what == "twice":
        parent.append(etree.fromstring(etree.tostring(element)))
    elif what == "text":
        element.text = f"{element.text}x"
    else:
        element.set(what, f"{element.get(what)}x")
    if in_key_info(element, what):
        return
    try:
        believed = ask(root)
    except Refused as refused:
        assert refused.summary is not None
        return
    raise AssertionError(f"{path} {what}: believed {believed.id}")


def in_key_info(element: idp.Element, what: str) -> bool:
    """Inside KeyInfo nothing is read, so a change there may go unnoticed."""
    return any(str(one.tag).endswith("}KeyInfo") for one in (element, *element.iterancestors())) or (
        what == "remove" and any(word in str(element.tag) for word in ("}X509", "}Key"))
    )
