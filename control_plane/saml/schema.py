"""The schemas of SAML 2.0, signatures and encryption, compiled once by libxml2 from the files that pysaml2 ships.

pysaml2 itself validates with a library in Python: the same schemas, 150 times as slow.
"""

from functools import cache
from importlib.resources import files

from lxml import etree

from control_plane.saml.xml import DS, MD, SAML, SAMLP, XENC, Element, tag

_FILES = {
    "http://www.w3.org/XML/1998/namespace": "xml.xsd",
    DS: "xmldsig-core-schema.xsd",
    XENC: "xenc-schema.xsd",
    "http://www.w3.org/2009/xmlenc11#": "xenc-schema-11.xsd",
    SAML: "saml-schema-assertion-2.0.xsd",
    SAMLP: "saml-schema-protocol-2.0.xsd",
    MD: "saml-schema-metadata-2.0.xsd",
}
_XS = "http://www.w3.org/2001/XMLSchema"


def follows_schema(root: Element) -> bool:
    """Whether the document, of any kind that SAML knows, is as its schema says."""
    return _schema().validate(root)


class _Shipped(etree.Resolver):
    """Finds what one schema imports from another among the files, whatever address it names."""

    def resolve(  # type: ignore[override]  # the stub's answer is a type that lxml does not have by that name
        self, system_url: str | None, public_id: str | None, context: object
    ) -> object:
        file = files("saml2.data.schemas").joinpath((system_url or "").rpartition("/")[2])
        return self.resolve_string(file.read_bytes(), context)


@cache
def _schema() -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
    parser.resolvers.add(_Shipped())
    top = etree.Element(tag(_XS, "schema"))
    for namespace, name in _FILES.items():
        etree.SubElement(top, tag(_XS, "import"), namespace=namespace, schemaLocation=name)
    return etree.XMLSchema(etree.fromstring(etree.tostring(top), parser))
