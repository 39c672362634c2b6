"""An AWS account that lives as long as a `with` block, and the clients to look into it."""

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

import boto3

from sidestream.local.ports import free_port

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".tools/aws/bin/python"
REGION = "us-east-1"
BUCKET = "rehearsal-artifacts"
KEPT = f"{BUCKET}-kept"
SECRETS = {
    "DatabaseUrlSecretArn": ("sidestream/database-url", "postgresql://nobody@127.0.0.1:1/none"),
    "OpenAiApiKeySecretArn": ("sidestream/openai-api-key", "none"),
}
START_S = 60


class Account:
    """The stand-in for AWS as a process of its own, with what the checklist has one make first.

    `concurrency` is the account's limit of concurrent executions: 10 for a new one.
    """

    def __init__(self, concurrency: int = 1000) -> None:
        self._concurrency = concurrency
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = ""
        self.secrets: dict[str, str] = {}
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [PYTHON, ROOT / "rehearsal/stand_in.py", str(port), str(self._concurrency)],
                cwd=self.folder,
                env={**self.environment, "TMPDIR": str(self.folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
            for bucket in (BUCKET, KEPT):
                self.client("s3").create_bucket(Bucket=bucket)
            for parameter, (name, value) in SECRETS.items():
                made = self.client("secretsmanager").create_secret(Name=name, SecretString=value)
                self.secrets[parameter] = made["ARN"]
            self.client("secretsmanager").create_secret(Name="rehearsal/other", SecretString="x")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead here whatever speaks to AWS, and never to an account of yours."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return own | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }

    def client(self, service: str) -> Any:
        """A client of a service of this account, which closes it."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="rehearsal",
                aws_secret_access_key="rehearsal",  # noqa: S106 - anything will do
            )
        return self._clients[service]

    def keep_uploads(self) -> None:
        """Put aside what was uploaded, for `restore_uploads`."""
        self._copy(BUCKET, KEPT)

    def restore_uploads(self) -> None:
        """Bring back what `sam delete` took away, which a deployment uploads again by itself."""
        self._copy(KEPT, BUCKET)

    def _copy(self, source: str, target: str) -> None:
        client = self.client("s3")
        for each in client.list_objects_v2(Bucket=source)["Contents"]:
            origin = {"Bucket": source, "Key": each["Key"]}
            client.copy_object(Bucket=target, Key=each["Key"], CopySource=origin)

    @property
    def log(self) -> str:
        """What the stand-in has printed."""
        return (self.folder / "log").read_text()

    @property
    def no_ops(self) -> list[str]:
        """The resource types that were only pretended."""
        lines = self.log.splitlines()
        return [line.removeprefix("no-op: ") for line in lines if line.startswith("no-op: ")]

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"The stand-in for AWS ended:\n{self.log}")
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as got:
                    json.load(got)
                    return
            except (urllib.error.URLError, OSError, ValueError):
                time.sleep(0.1)
        raise RuntimeError(f"The stand-in for AWS did not start:\n{self.log}")

    def _stop(self) -> None:
        for client in self._clients.values():
            client.close()
        if self._process is not None:
            self._process.kill()  # it keeps nothing that would have to be put away
            self._process.wait()
        self._folder.cleanup()
