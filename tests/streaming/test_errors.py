"""What Lambda is told of an error."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestream.streaming.errors import AppError, DeadlineError, ErrorReport, error_type

# The only types that Lambda does not rewrite to Runtime.Unknown.
KEPT = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("x"), "Function.ValueError"),
        (DeadlineError("x"), "Runtime.DeadlineExceeded"),
        (AppError("Runtime.HandlerNotFound", "x"), "Runtime.HandlerNotFound"),
        (type("_my_2nd_error", (Exception,), {})(), "Function.Mynderror"),
        (type("\u062e\u0637\u0623", (Exception,), {})(), "Function.UnhandledError"),
        (ExceptionGroup("one", [ValueError("x")]), "Function.ValueError"),
        (ExceptionGroup("two", [ValueError("x"), KeyError("y")]), "Function.ExceptionGroup"),
    ],
)
def test_types(error: BaseException, expected: str) -> None:
    assert error_type(error) == expected


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_type_is_kept_and_short(name: str) -> None:
    error = type(name, (Exception,), {})("sk-secret")
    assert KEPT.fullmatch(error_type(error))
    assert len(error_type(error)) < 200


def test_the_report_holds_no_message() -> None:
    report = ErrorReport.of(ValueError("sk-secret"), "request-1")
    assert b"sk-secret" not in report.body() + report.trailers()
    assert json.loads(report.body())["requestId"] == "request-1"


def test_the_report_holds_the_message_of_a_class_that_says_it_may() -> None:
    class Told(Exception):
        reportable = True

    report = ErrorReport.of(ExceptionGroup("one", [Told("The setting X is missing.")]))
    assert json.loads(report.body())["errorMessage"] == "The setting X is missing."
    assert len(ErrorReport.of(Told("x" * 100_000)).trailers()) < 4096
    assert "sk-secret" not in ErrorReport.of(ExceptionGroup("sk-secret", [Told(), Told()])).message


def test_trailers_are_header_lines() -> None:
    kind, body, end = ErrorReport.of(ValueError("x")).trailers().decode().split("\r\n")
    assert kind == "Lambda-Runtime-Function-Error-Type: Function.ValueError"
    name, _, encoded = body.partition(": ")
    assert name == "Lambda-Runtime-Function-Error-Body"
    assert json.loads(base64.b64decode(encoded))["errorType"] == "Function.ValueError"
    assert end == ""


def test_the_body_is_small_whatever_the_class_is_called() -> None:
    error = type("E" * 100_000, (Exception,), {})()
    assert len(ErrorReport.of(error).trailers()) < 4096
