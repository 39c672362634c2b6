"""Refusals of providers, in the words and forms that they have: what they mean, and what is learnt.

The bodies are of the forms that each provider documents or that its users report.
"""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import openai
import pytest

from sidestream import i18n
from sidestream.chat import failures
from sidestream.chat.failures import Failure, ModelFailed, classify, error_event, facts
from sidestream.chat.model.sent.ids import NINE
from sidestream.chat.model.sent.providers import Provider
from sidestream.chat.refusals import Refusal, code_of

ROOT: Final = Path(__file__).parents[2]


def refused(status: int, body: Any, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    """The client's error for an answer."""
    client = openai.OpenAI(api_key="none", base_url="http://none.invalid")
    request = httpx2.Request("POST", "http://none.invalid")
    response = httpx2.Response(status, json=body, headers=headers, request=request)
    return client._make_status_error_from_response(response)


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def google(message: str, status: str = "INVALID_ARGUMENT") -> list[dict[str, Any]]:
    return [{"error": {"code": 400, "message": message, "status": status}}]


MISTRAL_ORDER = {
    "object": "error",
    "message": "Unexpected role 'user' after role 'tool'",
    "type": "invalid_request_message_order",
    "param": None,
    "code": "3230",
}
NESTED = {"metadata": {"raw": json.dumps(error("This model's maximum context length is 8192."))}}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, MISTRAL_ORDER, "model_rejected"),
        (400, error("'messages[2].role' unknown variant `developer`"), "model_rejected"),
        (
            422,
            {"detail": [{"type": "missing", "loc": ["body", "x"], "msg": "?"}]},
            "model_rejected",
        ),
        (405, "<html></html>", "model_rejected"),
        # Too long.
        (400, error("...", code="context_length_exceeded"), "context_overflow"),
        (400, google("The input token count (9) exceeds the maximum number"), "context_overflow"),
        (
            400,
            {"error": "the context the overflows. ... context length of 4096"},
            "context_overflow",
        ),
        (400, error("the request exceeds the available context size"), "context_overflow"),
        (400, error("prompt is too long: 210000 tokens > 200000 maximum"), "context_overflow"),
        (400, error("Provider returned error", code=400, **NESTED), "context_overflow"),
        (413, error("Request too large", code="rate_limit_exceeded"), "context_overflow"),
        (429, error("Request too large for model `m` on tokens per minute"), "context_overflow"),
        (500, error("the request exceeds the available context size"), "context_overflow"),
        # Filtered.
        (403, error("your input was flagged", code=403), "content_filter"),
        (400, error("The response was filtered", code="content_filter"), "content_filter"),
        (400, error("Content Exists Risk"), "content_filter"),
        (400, error("...", code="data_inspection_failed"), "content_filter"),
        # The key, credit, too many requests.
        (401, error("Incorrect API key provided", code="invalid_api_key"), "model_unauthorized"),
        (403, error("Country, region, or territory not supported"), "model_unauthorized"),
        (400, google("API key not valid. Please pass a valid API key."), "model_unauthorized"),
        (402, error("Insufficient Balance"), "model_quota"),
        (429, error("You exceeded your current quota", code="insufficient_quota"), "model_quota"),
        (429, error("Insufficient balance. Please recharge."), "model_quota"),
        (
            429,
            google("You exceeded your current quota", "RESOURCE_EXHAUSTED"),
            "model_rate_limited",
        ),
        (429, error("Rate limit reached"), "model_rate_limited"),
        # The model.
        (404, error("The model `x` does not exist", code="model_not_found"), "model_not_found"),
        (404, "404 page not found", "model_not_found"),
        (400, error("x is not a valid model ID", code=400), "model_not_found"),
        (400, error("The model `x` has been decommissioned"), "model_not_found"),
        (400, error("registry.ollama.ai/library/x does not support tools"), "model_unsuitable"),
        (404, error("No endpoints found that support tool use"), "model_unsuitable"),
        (400, error('"auto" tool choice requires --enable-auto-tool-choice'), "model_unsuitable"),
        # A file.
        (400, error("This model does not support image_url"), "model_file"),
        (400, error("...", code="invalid_image_url", param="image_url"), "model_file"),
        (500, error("image input is not supported - hint: provide the mmproj"), "model_file"),
        # Nobody's fault.
        (500, error("boom"), "model_unavailable"),
        (529, error("Overloaded"), "model_unavailable"),
        (522, "<html></html>", "model_unavailable"),
        (503, error("The model is overloaded: api key"), "model_unavailable"),
    ],
)
def test_refusals_are_told_apart(status: int, body: Any, code: str) -> None:
    assert classify(refused(status, body), answering=False).code == code


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"code": "rate_limit_exceeded", "message": "..."}, "model_rate_limited"),
        ({"code": 429, "message": "slow"}, "model_rate_limited"),
        ({"code": 403, "message": "Your input was flagged"}, "content_filter"),
        ({"code": 502, "message": "Upstream is gone"}, "model_unavailable"),
        ({"code": 400, "message": "the context length is only 4096 tokens"}, "context_overflow"),
        ({"message": "maximum context length is 4096", "type": "BadRequest"}, "context_overflow"),
        ({"code": "server_error", "message": "context window exceeded"}, "context_overflow"),
        ({"code": None, "message": "?"}, "model_unavailable"),
        ({"code": 400, "message": "unknown variant"}, "model_rejected"),
        ("no", "model_unavailable"),
        (None, "model_unavailable"),
    ],
)
def test_an_error_within_a_stream_means_the_same(told: Any, code: str) -> None:
    assert classify(ModelFailed(code_of(told)), answering=True).code == code


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("0.2", 1)])
@pytest.mark.parametrize("locale", i18n.locales())
def test_a_busy_model_says_how_long(given: str, seconds: int, locale: str) -> None:
    assert told_seconds(given, locale) == seconds


@pytest.mark.parametrize("locale", i18n.locales())
def test_a_busy_model_says_how_long_it_is_to_a_date(locale: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3_500 < told_seconds(date, locale) <= 3_600


def told_seconds(given: str, locale: str) -> int:
    """The number in what a person is told of a `Retry-After`."""
    failure = classify(refused(429, error("slow"), {"retry-after": given}), answering=False)
    return int("".join(c for c in str(error_event(failure, locale).message) if c.isdigit()))


@pytest.mark.parametrize("given", ["", "soon", "-1", "0", "nan", "inf"])
def test_a_wait_that_makes_no_sense_is_not_told(given: str) -> None:
    failure = classify(refused(429, error("slow"), {"retry-after": given}), answering=False)
    message = str(error_event(failure, "en").message)
    assert not any(c.isdigit() for c in message)
    assert "in a moment" in message


def test_the_log_has_names_and_no_words() -> None:
    said = error("You said: secret", code="bad_thing", param="messages[2].content")
    assert facts(refused(400, said)) == {
        "status": 400,
        "provider_code": "bad_thing",
        "provider_param": "messages[2].content",
    }
    assert "secret" not in str(facts(refused(400, error("x", code="a secret", param="my secret"))))


GONE = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}


@pytest.mark.parametrize(
    ("body", "learnt"),
    [
        (
            error(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                param="max_tokens",
                code="unsupported_parameter",
            ),
            "max_tokens",
        ),
        (
            error(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead."
            ),
            "max_tokens",
        ),
        ({"detail": [{**GONE, "loc": ["body", "max_completion_tokens"]}]}, "max_completion_tokens"),
        ({"message": {"detail": [{**GONE, "loc": ["body", "stream_options"]}]}}, "stream_options"),
        (
            google('Unknown name "parallel_tool_calls": Cannot find field.'),
            "parallel_tool_calls",
        ),
        (error("property 'parallel_tool_calls' is unsupported"), "parallel_tool_calls"),
        (error("Unrecognized request argument supplied: stream_options"), "stream_options"),
        (
            error("('messages.2' : property 'reasoning_content' is unsupported)"),
            "reasoning_content",
        ),
        (
            error("The reasoning_content in the thinking mode must be passed back to the API."),
            "reasoning_content",
        ),
        (error("Function call is missing a thought_signature."), "thought_signature"),
        (
            error("Tool call id was x but must be a-z, A-Z, 0-9, with a length of 9."),
            "tool_calls.id",
        ),
        # Nothing of it is about a parameter.
        (error("max_tokens is too large: 4000. The context length is 2048 tokens."), None),
        (error("Unexpected role 'user' after role 'tool'"), None),
        (error("You said: stream_options is what I cannot find"), None),
        ("", None),
    ],
)
def test_what_is_not_taken_is_learnt_once(body: Any, learnt: str | None) -> None:
    provider = Provider("http://127.0.0.1/v1", "m")
    refusal = Refusal.of(refused(400, body))
    assert provider.learn(refusal) == learnt
    assert provider.learn(refusal) is None


def test_what_was_learnt_changes_what_is_sent() -> None:
    provider = Provider("http://127.0.0.1/v1", "m")
    assert provider.max_tokens == "max_tokens"
    provider.learn(Refusal.of(refused(400, error("Unsupported parameter: 'max_tokens'"))))
    assert provider.max_tokens == "max_completion_tokens"
    provider.learn(Refusal.of(refused(400, error("Unsupported: 'max_completion_tokens'"))))
    assert provider.max_tokens is None
    provider.learn(Refusal.of(refused(400, error("tool call id must have a length of 9"))))
    assert provider.ids is NINE


@pytest.mark.parametrize(
    ("base_url", "parameter"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://api.mistral.ai/v1", "max_tokens"),
        ("http://127.0.0.1:8080/v1", "max_tokens"),
    ],
)
def test_the_parameter_that_bounds_an_answer_is_known_by_host(
    base_url: str, parameter: str
) -> None:
    assert Provider(base_url, "m").max_tokens == parameter


def test_each_code_is_documented() -> None:
    known = {value.code for value in vars(failures).values() if isinstance(value, Failure)}
    documented = (ROOT / "docs" / "api.md").read_text()
    assert [code for code in sorted(known) if f"`{code}`" not in documented] == []
