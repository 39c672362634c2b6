"""AWS's services on loopback: moto's server in a process of its own.

It forgets everything when it ends. S3 has the bucket `BUCKET`; CloudWatch answers and is
empty, and so is Secrets Manager until a secret is kept there.
"""

import asyncio
import http.client
import sys
from pathlib import Path
from typing import Final

from sidestream.local.emulator.process import FunctionProcess, LineSink
from sidestream.local.emulator.variables import REGION
from sidestream.local.environment import base
from sidestream.local.ports import free_port

BUCKET: Final = "sidestream-local"
_START_TIMEOUT_S = 60
_STOP_GRACE_S = 2.0


class AwsError(RuntimeError):
    """The server did not start."""


class LocalAws:
    """One server for every service, on any free port."""

    def __init__(self, on_line: LineSink) -> None:
        self._on_line = on_line
        self._port = free_port()
        self._process: FunctionProcess | None = None
        self._secrets: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The value of `AWS_ENDPOINT_URL`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The server's process id, 0 when it does not run."""
        return self._process.pid if self._process else 0

    @property
    def secrets(self) -> dict[str, str]:
        """The ARNs of the secrets that are kept, by setting."""
        return dict(self._secrets)

    async def start(self) -> None:
        """Start the server and make the bucket. Raises `AwsError`."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]
        self._process = await FunctionProcess.spawn(command, base(), Path.cwd(), self._on_line)
        deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
        while not await asyncio.to_thread(self._make_bucket):
            if self._process.exit_code is not None:
                raise AwsError(f"moto's server ended with exit code {self._process.exit_code}")
            if asyncio.get_running_loop().time() > deadline:
                raise AwsError("moto's server did not answer")
            await asyncio.sleep(0.1)

    async def wait(self) -> None:
        """Wait for the server to end."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """End the server."""
        if self._process is not None:
            await self._process.stop(_STOP_GRACE_S)

    def keep_secret(self, setting: str, text: str) -> str:
        """Keep a secret under its setting's name, and give its ARN."""
        if setting not in self._secrets:
            self._secrets[setting] = self.create_secret(setting, text)
        return self._secrets[setting]

    def create_secret(self, name: str, text: str) -> str:
        """Make a secret that none of `secrets` is, and give its ARN."""
        import boto3

        client = boto3.client(
            "secretsmanager",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
        )
        arn: str = client.create_secret(Name=f"sidestream/{name}", SecretString=text)["ARN"]
        return arn

    def _make_bucket(self) -> bool:
        # One plain request spares the start an import of boto3.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("PUT", f"/{BUCKET}", headers={"Host": "s3.amazonaws.com"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()
