"""The URL's own cross-origin rules."""

from typing import Any

import pytest

from sidestream.local.emulator import Cors
from tests.local.emulator.support import BUFFERED, Deploy

PAGE = "http://localhost:3000"
CORS = Cors(
    allow_origins=(PAGE,),
    allow_methods=("GET", "POST"),
    allow_headers=("authorization", "Content-Type"),
    expose_headers=("x-answer",),
    max_age_s=600,
)


def _preflight(**changes: str) -> dict[str, str]:
    return {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    } | {name.replace("_", "-"): value for name, value in changes.items()}


async def test_preflight_does_not_invoke(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, cors=CORS)
    response = await function.client.options("/echo", headers=_preflight())
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert response.headers["access-control-allow-methods"] == "GET,POST"
    assert response.headers["access-control-allow-headers"] == "authorization,Content-Type"
    assert response.headers["access-control-max-age"] == "600"
    assert response.headers["vary"] == "Origin"
    assert not function.url.invocations
    assert not function.url.environments


@pytest.mark.parametrize(
    "headers",
    [
        _preflight(origin="http://elsewhere"),
        _preflight(access_control_request_method="DELETE"),
        _preflight(access_control_request_headers="authorization, x-secret"),
    ],
    ids=["origin", "method", "header"],
)
async def test_preflight_outside_the_rules_gets_no_leave(
    deploy: Deploy, headers: dict[str, str]
) -> None:
    function = await deploy(BUFFERED, cors=CORS)
    response = await function.client.options("/echo", headers=headers)
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert not function.url.environments


async def test_options_that_is_no_preflight_invokes(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, cors=CORS)
    response = await function.client.options("/echo", headers={"origin": PAGE})
    assert response.json()["event"]["requestContext"]["http"]["method"] == "OPTIONS"


async def test_without_rules_a_preflight_invokes(deploy: Deploy) -> None:
    function = await deploy(BUFFERED)
    response = await function.client.options("/echo", headers=_preflight())
    assert response.json()["event"]["requestContext"]["http"]["method"] == "OPTIONS"
    assert "access-control-allow-origin" not in response.headers


async def test_headers_are_added_beside_the_function_s_own(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, cors=CORS)
    body = b'{"statusCode": 200, "headers": {"access-control-allow-origin": "*"}}'
    response = await function.post("/reply", body, headers={"origin": PAGE})
    assert response.headers.get_list("access-control-allow-origin") == ["*", PAGE]
    assert response.headers["access-control-expose-headers"] == "x-answer"


async def test_errors_of_the_platform_carry_them_too(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, cors=CORS)
    response = await function.get("/error", headers={"origin": PAGE})
    assert response.status_code == 502
    assert response.headers["access-control-allow-origin"] == PAGE


async def test_other_origins_get_none(deploy: Deploy) -> None:
    function = await deploy(BUFFERED, cors=CORS)
    response = await function.get("/echo", headers={"origin": "http://elsewhere"})
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_wildcard_origin() -> None:
    anyone = Cors(allow_origins=("*",), allow_methods=("*",), allow_headers=("*",))
    leave = anyone.preflight("OPTIONS", _preflight(access_control_request_method="DELETE"))
    assert leave == [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "*"),
        ("Access-Control-Allow-Headers", "*"),
    ]


def test_wildcard_with_credentials_names_the_origin() -> None:
    cors = Cors(allow_origins=("*",), allow_credentials=True)
    assert cors.response_headers({"origin": PAGE}) == [
        ("Access-Control-Allow-Origin", PAGE),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Credentials", "true"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"allow_methods": ("OPTIONS",)},
        {"allow_origins": ("http://a, http://b",)},
        {"allow_headers": ("",)},
        {"max_age_s": 86_401},
    ],
)
def test_rules_that_lambda_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"AllowMethods|one value|MaxAge"):
        Cors(**wrong)
