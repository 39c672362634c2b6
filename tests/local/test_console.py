"""What the terminal shows of the functions' log lines, and what the files keep."""

import io
import json
from pathlib import Path

from rich.console import Console

from sidestream.local.console import LogBook, shorten


def _shown(line: str) -> str | None:
    text = shorten("chat", line)
    return None if text is None else text.plain


def test_a_long_name_stands_apart_from_the_level() -> None:
    text = shorten("tickets", json.dumps({"level": "INFO", "message": "ready"}))
    assert text is not None
    assert text.plain.startswith("tickets INFO ")


def test_json_line_is_its_level_message_details_and_request_id() -> None:
    line = json.dumps(
        {
            "level": "WARNING",
            "message": "tool call",
            "request_id": "eebefd68-fbd2-4763-a7a3-4632b60c5b4b",
            "tool": "add_task",
            "outcome": "failed",
            "timestamp": "2026-11-21T03:10:55Z",
        }
    )
    assert _shown(line) == "chat  WARNING  tool call: add_task failed  b60c5b4b"


def test_exception_is_named_and_its_traceback_is_not_shown() -> None:
    line = json.dumps(
        {
            "level": "ERROR",
            "message": "unexpected error",
            "exception": "Traceback (most recent call last): ...",
            "exception_name": "ValueError",
        }
    )
    assert _shown(line) == "chat  ERROR    unexpected error (ValueError)"


def test_metrics_are_names_and_values() -> None:
    metrics = [{"Name": "TimeToFirstToken"}, {"Name": "ToolErrors"}]
    line = json.dumps(
        {
            "_aws": {"CloudWatchMetrics": [{"Metrics": metrics}]},
            "TimeToFirstToken": [219.247],
            "ToolErrors": 0,
        }
    )
    assert _shown(line) == "chat  INFO     TimeToFirstToken=219.247 ToolErrors=0"


def test_other_text_is_shown_as_it_is() -> None:
    assert _shown("plain [text] 7") == "chat  INFO     plain [text] 7"
    assert _shown('"a json string"') == 'chat  INFO     "a json string"'


def test_reports_and_empty_lines_are_not_shown() -> None:
    assert _shown("REPORT RequestId: 1\tDuration: 8.10 ms") is None
    assert _shown("   ") is None


def test_files_keep_every_line_whole(tmp_path: Path) -> None:
    screen = io.StringIO()
    lines = ['{"level": "INFO", "message": "اردو"}', "REPORT RequestId: 1"]
    with LogBook(tmp_path / "logs", Console(file=screen)) as book:
        for line in lines:
            book("chat", line)
        book("aws", "noise")
    assert (tmp_path / "logs" / "chat.log").read_text().splitlines() == lines
    assert (tmp_path / "logs" / "aws.log").read_text() == "noise\n"
    assert screen.getvalue() == "chat  INFO     اردو\n"
