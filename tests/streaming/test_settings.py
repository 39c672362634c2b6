"""Settings from an environment."""

import pytest

from sidestream.streaming.errors import SettingsError
from sidestream.streaming.settings import DEFAULT_DEADLINE_MARGIN_MS, Settings


def test_defaults() -> None:
    settings = Settings.from_environ({})
    assert settings.max_concurrency is None
    assert settings.http_endpoint is None
    assert settings.deadline_margin_ms == DEFAULT_DEADLINE_MARGIN_MS
    assert settings.preamble_bytes == 0
    assert not settings.strip_cors_headers


def test_values() -> None:
    settings = Settings.from_environ(
        {
            "AWS_LAMBDA_MAX_CONCURRENCY": "8",
            "STREAM_DEADLINE_MARGIN_MS": "0",
            "STREAM_PREAMBLE_BYTES": "2048",
            "STREAM_STRIP_CORS_HEADERS": "true",
        }
    )
    assert settings.max_concurrency == 8
    assert settings.deadline_margin_ms == 0
    assert settings.preamble_bytes == 2048
    assert settings.strip_cors_headers


def test_a_flag_that_is_neither_on_nor_off_is_named() -> None:
    for text, flag in [(" 1\n", True), ("true", True), ("", False), ("0", False)]:
        settings = Settings.from_environ({"STREAM_STRIP_CORS_HEADERS": text})
        assert settings.strip_cors_headers is flag
    with pytest.raises(SettingsError, match="STREAM_STRIP_CORS_HEADERS"):
        Settings.from_environ({"STREAM_STRIP_CORS_HEADERS": "'1'"})


@pytest.mark.parametrize("value", ["-5", "0", "many", "1.5", "\u0663"])
def test_a_number_that_is_none(value: str) -> None:
    with pytest.raises(SettingsError, match="AWS_LAMBDA_MAX_CONCURRENCY"):
        Settings.from_environ({"AWS_LAMBDA_MAX_CONCURRENCY": value})


def test_every_variable_is_in_the_docstring() -> None:
    read: list[str] = []

    class Recording(dict[str, str]):
        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            read.append(name)
            return default

    Settings.from_environ(Recording())
    described = [name for name in read if not _is_context(name)]
    assert described
    assert [name for name in described if f"``{name}``" not in (Settings.__doc__ or "")] == []


def _is_context(name: str) -> bool:
    return name.startswith(("AWS_LAMBDA_FUNCTION_", "AWS_LAMBDA_LOG_GROUP", "AWS_LAMBDA_LOG_STR"))
