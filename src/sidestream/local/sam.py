"""What `sam local` has to know to run a function against this system, in files beside its data.

`samconfig.toml` names both. `sam/parameters.yaml` says for which processor containers are started;
`sam/env.json` has the functions' variables, with the addresses at which containers reach what runs
here. The SAM CLI hands on only variables that `template.yaml` declares, so secrets come from the
system's Secrets Manager, by the ARNs that it declares. The files are there while the system runs.
"""

import asyncio
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sidestream.domain import Domain
from sidestream.local.engine import EngineError, container_host
from sidestream.local.environment import base, outward
from sidestream.local.functions import Backends, SecretKeeper, chat_function, tools_function
from sidestream.local.gate import Gate
from sidestream.local.keys import LocalKeys, write_private
from sidestream.local.sample_events import SAMPLE_ISSUER, SAMPLE_JWKS_PATH
from sidestream.local.settings import LocalOptions
from sidestream.local.sign_in import AUDIENCE, ISSUER

_PROCESSORS: Final = {"arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}


def processor(machine: str = platform.machine()) -> str:
    """This machine's value of the template's parameter Architecture."""
    return _PROCESSORS.get(machine.lower(), machine)


class SamLocal:
    """The files of one running system, and the gate behind the addresses in them."""

    def __init__(
        self,
        options: LocalOptions,
        keys: LocalKeys,
        backends: Backends,
        create_secret: SecretKeeper,
        say: Callable[[str], None],
    ) -> None:
        self._options = options
        self._keys = keys
        self._backends = backends
        self._create_secret = create_secret
        self._say = say
        self._gate: Gate | None = None
        self._secrets: dict[str, str] = {}
        self._files = (_path(options.folder, "env.json"), _path(options.folder, "parameters.yaml"))

    async def start(self, domain: Domain, tools_url: str) -> None:
        """Let containers in, if there is an engine, and write the files."""
        socket = self._options.engine
        try:
            host = await asyncio.to_thread(container_host, socket) if socket else None
            if host is None:
                return
            self._gate = Gate(host)
            variables = await self._variables(self._gate, domain, tools_url)
        except (EngineError, OSError) as error:
            self._say(f"`sam local` does not reach this system: {error}.")
            return
        env, parameters = self._files
        write_private(parameters, json.dumps({"Architecture": processor()}) + "\n")
        write_private(env, json.dumps(variables, indent=2) + "\n")

    async def stop(self) -> None:
        """Take the files away and close the gate."""
        for path in self._files:
            path.unlink(missing_ok=True)
        if self._gate is not None:
            await self._gate.close()

    async def _variables(
        self, gate: Gate, domain: Domain, tools_url: str
    ) -> Mapping[str, Mapping[str, str]]:
        here = self._backends
        there = replace(
            here,
            database_url=_without_tls(await gate.through(here.database_url)),
            sign_in_url=await gate.through(here.sign_in_url),
            aws_url=await gate.through(here.aws_url),
            model_url=await gate.through(here.model_url) if here.model_url else None,
            secrets=self._secret,
        )
        tools_url = await gate.through(tools_url)
        return await asyncio.to_thread(self._of_the_functions, there, domain, tools_url)

    def _of_the_functions(
        self, there: Backends, domain: Domain, tools_url: str
    ) -> Mapping[str, Mapping[str, str]]:
        specs = (
            chat_function(self._options, self._keys, there, tools_url),
            tools_function(self._options, self._keys, there, domain),
        )
        issuers = [*json.loads(specs[0].env["AUTH_ISSUERS"]), _sample_issuer(there)]
        given = {"AUTH_ISSUERS": json.dumps(issuers)}
        own = base().keys() | outward().keys() | {"PYTHONPATH"}
        return {
            spec.name: {name: text for name, text in spec.env.items() if name not in own} | given
            for spec in specs
        }

    def _secret(self, setting: str, text: str) -> str:
        if setting not in self._secrets:
            self._secrets[setting] = self._create_secret(f"sam-local/{setting}", text)
        return self._secrets[setting]


def _sample_issuer(backends: Backends) -> dict[str, str]:
    return {
        "issuer": SAMPLE_ISSUER,
        "audience": AUDIENCE,
        "jwks_url": f"{backends.sign_in_url}{SAMPLE_JWKS_PATH}",
        "same_users_as": ISSUER,
    }


def _without_tls(database_url: str) -> str:
    """Say that the server here has no TLS: a container's address for it is not loopback, where that
    would go without saying (`store/encryption.py`)."""
    parts = urlsplit(database_url)
    return parts._replace(query="&".join(filter(None, (parts.query, "sslmode=disable")))).geturl()


def _path(folder: Path, name: str) -> Path:
    return folder / "sam" / name
