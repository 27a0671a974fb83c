"""The one door for XML (lxml): nothing is parsed elsewhere, and nothing dangerous gets through.

UTF-8 alone; no document type, so no entities; no network; bounded in bytes, depth and elements; no comments and no
processing instructions, since they split a text into pieces that two readers join differently.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lxml import etree

Element = etree._Element  # lxml gives its element type no public name

LARGEST_ANSWER = 256 * 1024  # bytes; a large one, with some hundred groups, takes about 60 KiB
DEEPEST = 48  # elements; an encrypted assertion inside a response takes about 16
MOST_ELEMENTS = 10_000

SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
MD: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
NAMESPACES = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS, "xenc": XENC}


_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)", re.ASCII)


class NotXml(Exception):
    """Not well-formed, or not in UTF-8."""


class DoctypeFound(Exception):
    """A document type declaration or an entity."""


class CommentFound(Exception):
    """A comment or a processing instruction."""


class TooDeep(Exception):
    """Nested too deeply, or too many elements."""


def parse(text: bytes, *, most_elements: int = MOST_ELEMENTS, comments: bool = False) -> Element:
    """The root of a document. Raises NotXml, DoctypeFound, CommentFound, TooDeep.

    `comments` drops them instead, for documents in which no text is trusted before it was looked at by a person.
    """
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise NotXml from None
    declared = _DECLARED.match(text)  # the parser is told UTF-8 and would look past another name
    if declared is not None and declared[1].upper() not in {b"UTF-8", b"US-ASCII", b"ASCII"}:
        raise NotXml
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise DoctypeFound
    try:
        root = etree.fromstring(text, _parser(comments))
    except (etree.XMLSyntaxError, ValueError):
        raise NotXml from None
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise DoctypeFound
    _walk(root, most_elements)
    return root


def made(namespace: str, name: str, attributes: Mapping[str, str] | None = None, *inside: Element | str) -> Element:
    """A new element with attributes, and elements or one text inside."""
    element = etree.Element(tag(namespace, name), dict(attributes or {}), nsmap=NAMESPACES)
    for one in inside:
        if isinstance(one, str):
            element.text = one
        else:
            element.append(one)
    return element


def document(root: Element) -> bytes:
    """A document of ours, without names that it does not use."""
    etree.cleanup_namespaces(root)
    return serialised(root)


def serialised(element: Element) -> bytes:
    """The element as a document of its own. The signatures inside hold as before."""
    return etree.tostring(element, encoding="UTF-8", with_tail=False)


def tag(namespace: str, name: str) -> str:
    """The name as lxml writes it."""
    return f"{{{namespace}}}{name}"


def children(element: Element, namespace: str, name: str) -> list[Element]:
    """The direct children of that name."""
    return [child for child in element if child.tag == tag(namespace, name)]


def child(element: Element, namespace: str, name: str) -> Element | None:
    """The only direct child of that name; None where there is none, or more than one."""
    found = children(element, namespace, name)
    return found[0] if len(found) == 1 else None


def everywhere(root: Element, namespace: str, name: str) -> list[Element]:
    """All elements of that name, the root included."""
    return list(root.iter(tag(namespace, name)))


def text_of(element: Element | None) -> str:
    """The text of an element that holds text alone; empty for any other."""
    if element is None or len(element):
        return ""
    return (element.text or "").strip()


def _parser(comments: bool) -> etree.XMLParser:
    # One each: a parser keeps state of its last document.
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=comments,
        remove_pis=comments,
        encoding="utf-8",
    )


def _walk(root: Element, most: int) -> None:
    for seen, (depth, node) in enumerate(_nodes(root), 1):
        if not isinstance(node.tag, str):
            raise DoctypeFound if isinstance(node, etree._Entity) else CommentFound
        if depth > DEEPEST or seen > most:
            raise TooDeep
    if root.getprevious() is not None or root.getnext() is not None:
        raise CommentFound  # beside the root only such things can stand


def _nodes(root: Element) -> Iterator[tuple[int, Element]]:
    ahead = [(1, root)]
    while ahead:
        depth, node = ahead.pop()
        yield depth, node
        ahead.extend((depth + 1, below) for below in node)
