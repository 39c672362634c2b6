"""The template and the code agree: variables, routes, permissions, CORS, entry points."""

import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pydantic import SecretStr
from starlette.routing import Route

from sidestream.chat.app import create_app
from sidestream.chat.files.bucket import Bucket
from sidestream.config import ChatSettings, DatabaseSettings, Settings, TidySettings
from sidestream.headers import CHAT_EXPOSES, TOOLS_EXPOSE
from sidestream.local import functions
from sidestream.local.emulator import FunctionSpec
from sidestream.local.environment import base, outward
from sidestream.local.keys import LocalKeys
from sidestream.local.settings import LocalOptions
from sidestream.secrets_manager import ARN_SUFFIX
from sidestream.streaming import settings as streaming_settings
from sidestream.tasks.app import create_app as create_tasks_app
from sidestream.tasks.pack import DOMAIN
from tests.deployment.conftest import ROOT, Document
from tests.deployment.test_template import as_list, environment

FUNCTIONS: dict[str, type[Settings]] = {"ChatFunction": ChatSettings, "TasksFunction": Settings}
CONFIGURED: dict[str, type[DatabaseSettings]] = {**FUNCTIONS, "TidyFunction": TidySettings}
OTHERS = {
    "AWS_ENDPOINT_URL",  # for `sam local` alone
    "AWS_LAMBDA_EXEC_WRAPPER",  # Lambda's own
    "OPENAI_AGENTS_DISABLE_TRACING",  # the agents SDK's own
}
# Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
NEEDS = {
    "PutObject": {"s3:PutObject"},
    "GetObject": {"s3:GetObject", "s3:ListBucket"},  # the second tells a missing object
    "DeleteObject": {"s3:DeleteObject"},
    "DeleteObjects": {"s3:DeleteObject"},
    "ListObjectsV2": {"s3:ListBucket"},
}
VALUES: dict[str, Any] = {
    "database_url": "postgresql://nobody@127.0.0.1/none",
    "tool_signing_key": "t" * 32,
    "session_signing_key": "s" * 32,
    "auth_issuers": (),
    "tools_mcp_url": "http://127.0.0.1/mcp",
}


def routes(function: str) -> set[tuple[str, str]]:
    """Each (method, path) of a function's application."""
    settings: Any = VALUES
    if function == "ChatFunction":
        paths = create_app(ChatSettings(**settings)).openapi()["paths"]
        return {(method.upper(), path) for path, methods in paths.items() for method in methods}
    return {
        (method, route.path_format)
        for route in create_tasks_app(Settings(**settings)).routes
        if isinstance(route, Route)
        for method in route.methods or {"POST"}  # a mounted ASGI app takes what MCP does
        if method != "HEAD"
    }


@pytest.fixture(scope="module")
def local_specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FunctionSpec]:
    """The functions as the local system deploys them."""
    folder = tmp_path_factory.mktemp("local")
    backends = functions.Backends("postgresql://x", "http://a", "http://b", "http://c", 3000)
    options, keys = LocalOptions(folder=folder), LocalKeys.of(folder)
    return {
        "ChatFunction": functions.chat_function(options, keys, backends, "http://d"),
        DOMAIN.function: functions.tools_function(options, keys, backends, DOMAIN),
    }


@pytest.mark.parametrize("function", CONFIGURED)
def test_every_variable_is_a_setting(template: Document, function: str) -> None:
    settings = {name.upper() for name in CONFIGURED[function].model_fields}
    secrets = {f"{name.upper()}{ARN_SUFFIX}" for name in _secrets(CONFIGURED[function])}
    runtime = set(re.findall(r"STREAM_\w+", streaming_settings.Settings.__doc__ or ""))
    known = settings | secrets | OTHERS | (runtime if function == "ChatFunction" else set())
    assert set(environment(template, function)) <= known


@pytest.mark.parametrize("function", CONFIGURED)
def test_every_setting_that_must_be_is_given(template: Document, function: str) -> None:
    given = environment(template, function)
    for name, field in CONFIGURED[function].model_fields.items():
        if field.annotation is SecretStr:
            assert f"{name.upper()}{ARN_SUFFIX}" in given
        elif field.is_required():
            assert name.upper() in given


@pytest.mark.parametrize("function", CONFIGURED)
def test_the_handler_is_there(template: Document, function: str) -> None:
    """ChatFunction's is what its runtime goes by."""
    handler = template["Resources"][function]["Properties"]["Handler"]
    named = environment(template, function).get("STREAM_APP", "").replace(":", ".") or handler
    module, _, attribute = named.rpartition(".")
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    assert re.search(rf"\b{attribute}\b", Path(spec.origin).read_text())


def test_the_exec_wrapper_is_in_the_code(template: Document) -> None:
    wrapper = Path(environment(template, "ChatFunction")["AWS_LAMBDA_EXEC_WRAPPER"])
    code = ROOT / template["Resources"]["ChatFunction"]["Properties"]["CodeUri"]
    assert os.access(code / wrapper.relative_to("/var/task"), os.X_OK)


def test_the_rest_front_has_every_route_but_mcp(resources: Document) -> None:
    paths = resources["RestFrontApi"]["Properties"]["DefinitionBody"]["paths"]
    fronted: dict[str, set[str]] = {"ChatFunction": set(), "TasksFunction": set()}
    for path, methods in paths.items():
        uri = methods["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]["uri"]
        [function] = [name for name in fronted if name in uri["Fn::Sub"]]
        fronted[function].add(path)

    own = {"TasksFunction": {"/mcp", "/healthz"}, "ChatFunction": set()}
    for function, front in fronted.items():
        served = {path for _method, path in routes(function)} - own[function]
        patterns = [re.sub(r"\\\{\w+\\\+\\\}", ".+", re.escape(path)) for path in front]
        for path in served:
            assert any(re.fullmatch(pattern, path) for pattern in patterns), path
        for pattern in patterns:
            assert any(re.fullmatch(pattern, path) for path in served), pattern


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_urls_cors_allows_what_the_code_serves(
    template: Document, function: str, local_specs: dict[str, FunctionSpec]
) -> None:
    url = template["Resources"][function]["Properties"]["FunctionUrlConfig"]
    cors = url["Cors"]["Fn::If"][2]
    local = local_specs[function].cors
    assert local is not None

    assert set(cors["AllowMethods"]) == {method for method, _path in routes(function)}
    assert set(cors["AllowMethods"]) == set(local.allow_methods)
    assert set(cors["AllowHeaders"]) == set(local.allow_headers)
    assert cors["MaxAge"] == local.max_age_s
    assert url["InvokeMode"] == local_specs[function].invoke_mode
    exposed = CHAT_EXPOSES if function == "ChatFunction" else TOOLS_EXPOSE
    assert set(cors["ExposeHeaders"]) == set(exposed) == set(local.expose_headers)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_local_function_is_the_deployed_one(
    template: Document, function: str, local_specs: dict[str, FunctionSpec]
) -> None:
    deployed = template["Resources"][function]["Properties"]
    local = local_specs[function]
    variables = environment(template, function)
    assert local.handler == deployed["Handler"]
    assert local.env.get("STREAM_APP") == variables.get("STREAM_APP")
    given = set(variables)
    named = {name.removesuffix(ARN_SUFFIX) for name in given}
    extra = {
        "AWS_LAMBDA_LOG_FORMAT",
        "AWS_LAMBDA_LOG_LEVEL",
        "PYTHONPATH",
        "SCRIPTED_MODEL",
        *OTHERS,
    }
    extra |= base().keys() | outward().keys()
    assert set(local.env) - extra <= named


@pytest.fixture
def s3_calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names of the S3 operations that were called or signed for."""
    seen: set[str] = set()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="files")
        boto3.client("s3").put_object(Bucket="files", Key="k", Body=b"text")

        def note(model: Any, **_: Any) -> None:
            seen.add(model.name)

        original = boto3.client

        def client(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            made.meta.events.register("provide-client-params.s3.*", note)
            return made

        monkeypatch.setattr(boto3, "client", client)
        yield seen


async def test_the_bucket_is_granted_what_its_code_calls_and_no_more(
    resources: Document, s3_calls: set[str]
) -> None:
    bucket = Bucket("files")
    await bucket.upload_url("new", "text/plain", 3, 60)
    await bucket.download_url("k", "image/png", 60)
    assert await bucket.read("k") == b"text"
    assert await bucket.beginning("k", 2) == (b"te", 4)
    await bucket.delete("k")
    assert _granted(resources, "ChatRole") == set().union(*(NEEDS[name] for name in s3_calls))


async def test_what_tidies_the_bucket_is_granted_what_it_calls_and_no_more(
    resources: Document, s3_calls: set[str]
) -> None:
    bucket = Bucket("files")
    [(key, _changed)] = await bucket.page("", after="")
    await bucket.delete_all([key])
    assert await bucket.page("", after="") == []
    assert _granted(resources, "TidyRole") == set().union(*(NEEDS[name] for name in s3_calls))


def _granted(resources: Document, role: str) -> set[str]:
    policy = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]
    statements = [each.get("Fn::If", [None, each])[1] for each in policy["Statement"]]
    return {
        action
        for statement in statements
        for action in as_list(statement["Action"])
        if action.startswith("s3:")
    }


def test_only_the_chat_asks_for_attachments(template: Document) -> None:
    assert "ATTACHMENTS_BUCKET" in environment(template, "ChatFunction")
    assert "ATTACHMENTS_BUCKET" not in environment(template, "TasksFunction")


def _secrets(settings: type[DatabaseSettings]) -> list[str]:
    return [n for n, field in settings.model_fields.items() if field.annotation is SecretStr]
