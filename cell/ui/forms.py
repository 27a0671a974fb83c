"""What is wrong with a field, in the reader's language, next to the field."""

from cell.ui import pages
from kit.marking import N_
from kit.web.forms import Wrong

# pydantic's kinds of error (pydantic's manual, "Validation Errors") -> what the person is to do.
_SENTENCES = {
    "missing": N_("Fill this in."),
    "string_too_short": N_("Use at least %(min_length)s characters."),
    "string_too_long": N_("Use at most %(max_length)s characters."),
    "greater_than_equal": N_("Use %(ge)s or more."),
    "less_than_equal": N_("Use %(le)s or less."),
    "int_parsing": N_("Use a whole number."),
    "too_short": N_("Choose at least one."),
    "literal_error": N_("Choose one of those offered."),
    "value_error": N_("Check how this is written."),  # an e-mail address that cannot be one
}
_OTHERWISE = N_("This cannot be used.")


def in_words(wrong: dict[str, Wrong]) -> dict[str, str]:
    """A sentence for each field that cannot be used."""
    return {field: pages.gettext(_sentence(one)) % one.limits for field, one in wrong.items()}


def _sentence(wrong: Wrong) -> str:
    if wrong.kind == "string_too_short" and wrong.limits.get("min_length") == 1:
        return _SENTENCES["missing"]
    return _SENTENCES.get(wrong.kind, _OTHERWISE)
