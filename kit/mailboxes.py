"""What one plain e-mail address is: for whatever mail goes to, and for whatever is compared by its domain."""

import re

# An atom with dots, or quoted without blanks (RFC 5321, 4.1.2). Whatever mail programs could read as several
# addresses, as a comment or as another header is none, whatever its end says.
_ATOM = r'[^\s@,;:<>()\[\]"\\.\x00-\x20\x7f]+'
_ADDRESS = re.compile(rf'({_ATOM}(?:\.{_ATOM})*|"[^\s"\\\x00-\x20\x7f]+")@({_ATOM}(?:\.{_ATOM})*\.?)')


def domain_of(text: str) -> str | None:
    """What stands behind the @ of one plain address, as it is written; None for anything else, blanks round it too."""
    found = _ADDRESS.fullmatch(text)
    return None if found is None else found[2]
