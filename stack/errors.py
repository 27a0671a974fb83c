"""What can go wrong with a stack."""


class StackError(Exception):
    """A stack cannot do what it was asked. The text is one line: the reason, and where possible what mends it."""
