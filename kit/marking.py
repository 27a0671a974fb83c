"""Marking sentences for translation where they are written, without loading what translates them."""


def N_(message: str) -> str:  # noqa: N802 - the name that gettext's tools look for
    """The message itself; `kit.i18n` translates it where it is shown."""
    return message
