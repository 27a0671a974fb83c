"""Log lines: JSON with the ids of the work, and nothing of what people typed, failures included."""

import logging

import pytest
from pydantic import BaseModel

from kit import logs
from tests.cell.lines import Logged

SECRET = "hunter2-hunter2"


def test_a_line_is_one_json_object_with_the_ids_at_hand(logged: Logged) -> None:
    logs.bind(request_id="r-1")
    logs.get("part").info("something\nhappened", count=3)
    [line] = logged.lines
    assert line["event"] == "something\nhappened" and line["level"] == "info" and line["count"] == 3
    assert (line["part"], line["cell"], line["request_id"]) == ("part", "eu-1", "r-1")
    assert str(line["timestamp"]).endswith("Z")


def test_libraries_are_heard_when_they_warn_and_not_before(logged: Logged) -> None:
    logging.getLogger("library").info("GET /r/secret")
    logging.getLogger("library").warning("it is late")
    [line] = logged.lines
    assert line["event"] == "it is late"


def fail_with(password: str) -> None:
    class Form(BaseModel):
        count: int

    Form.model_validate({"count": password})


@pytest.mark.parametrize("of_a_library", [False, True])
def test_a_failure_says_where_and_not_with_what(logged: Logged, of_a_library: bool) -> None:
    try:
        fail_with(SECRET)
    except ValueError as error:
        if of_a_library:
            logging.getLogger("library").error("failed", exc_info=error)
        else:
            logs.get("part").error("failed", exc_info=error)
    assert len(logged.lines) == 1
    assert SECRET not in logged.text
    assert "fail_with" in logged.text and "ValidationError" in logged.text
