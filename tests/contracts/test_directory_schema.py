"""Which values a directory's documents may have."""

import pytest

from contracts.directory_schema import LONGEST_TEXT, PERSON, Attribute, Resource, Type, attribute, fits


def test_a_path_leads_to_an_attribute_or_to_none() -> None:
    assert attribute(Resource.PERSON, ("emails", "value")) == Attribute()
    assert attribute(Resource.GROUP, ("members",)) is not None
    for path in ((), ("members",), ("emails", "street"), ("user_name", "value"), ("password",)):
        assert attribute(Resource.PERSON, path) is None


@pytest.mark.parametrize(
    ("path", "value", "good"),
    [
        (("user_name",), "ada", True),
        (("user_name",), 1, False),
        (("user_name",), "a" * (LONGEST_TEXT + 1), False),
        (("user_name",), "a\0b", False),
        (("active",), True, True),
        (("active",), "True", False),
        (("active",), 1, False),
        (("emails",), {"value": "ada@example.com", "type": "work", "primary": True}, True),
        (("emails",), {"value": "ada@example.com", "street": "x"}, False),
        (("emails",), {"primary": "yes"}, False),
        (("emails",), "ada@example.com", False),
        (("manager",), {"value": "42"}, True),
    ],
)
def test_a_value_fits_its_attribute(path: tuple[str, ...], value: object, good: bool) -> None:
    found = attribute(Resource.PERSON, path)
    assert found is not None
    assert fits(found, value) is good


def test_only_objects_have_parts() -> None:
    assert all((one.parts is not None) is (one.type is Type.PARTS) for one in PERSON.values())
