"""The runtime's folder, copied alone into another project, runs that project's application."""

import shutil
from pathlib import Path

import pytest

import sidestream.streaming

from .functions import Function, function

APP = """
import json
import sys

from {package} import lambda_context
from {package}.context import request_id


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    ours = sorted(name for name in sys.modules if name.startswith("sidestream"))
    told = {{"ours": ours, "same": lambda_context(scope).aws_request_id == request_id.get()}}
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": json.dumps(told).encode()}})
"""


@pytest.mark.parametrize("place", ["streaming", "acme/net/lambdas"])
async def test_the_folder_alone_runs_an_application(tmp_path: Path, place: str) -> None:
    """At the top of a project, or deep in its packages and under another name."""
    folder = tmp_path / place
    source = Path(sidestream.streaming.__file__).parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for package in folder.parents[: place.count("/")]:
        (package / "__init__.py").touch()
    (tmp_path / "main.py").write_text(APP.format(package=place.replace("/", ".")))

    async with function("main:app", cwd=tmp_path, exec_wrapper=folder / "stream-runtime") as lifted:
        answer = await _answer(lifted)
    assert answer == {"ours": [], "same": True}


async def _answer(running: Function) -> object:
    response = await running.get("/")
    assert response.status_code == 200, running.log
    return response.json()
