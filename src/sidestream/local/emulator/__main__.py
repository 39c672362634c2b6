"""One function on loopback, from the command line, until Ctrl-C.

What the function prints comes on standard error, its URL on standard output.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from .environment import InitError
from .function import FunctionSpec, InvokeMode
from .url import FunctionUrl


def main() -> int:
    """Serve the function that the arguments describe; return the exit code."""
    parser = _parser()
    try:
        spec = _spec(parser.parse_args())
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_serve(spec))
    except (InitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}",
        description="Serve a function as Lambda does behind a Function URL, streaming included.",
    )
    parser.add_argument("folder", type=Path, help="the function's code, as the build left it")
    parser.add_argument("--wrapper", help="AWS_LAMBDA_EXEC_WRAPPER, from the folder on")
    parser.add_argument(
        "--handler", default="", help="without a wrapper it runs under AWS's own awslambdaric"
    )
    parser.add_argument(
        "--invoke-mode", choices=list(InvokeMode), default=InvokeMode.BUFFERED, type=InvokeMode
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    parser.add_argument("--port", type=int, default=0, help="any free one unless told")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS")
    parser.add_argument("--python", default=sys.executable, help="this one unless told")
    return parser


def _spec(arguments: argparse.Namespace) -> FunctionSpec:
    """Raises `ValueError` for what cannot be a function."""
    if not (arguments.wrapper or arguments.handler):
        raise ValueError("a function needs --wrapper or --handler")
    folder = arguments.folder.absolute()
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    if unnamed := [given for given in arguments.env if not given.partition("=")[1]]:
        raise ValueError(f"--env {unnamed[0]} is not NAME=VALUE")
    return FunctionSpec(
        name=folder.name,
        command=(arguments.python, "-m", "awslambdaric", arguments.handler),
        handler=arguments.handler,
        env=dict(given.split("=", 1) for given in arguments.env),
        cwd=folder,
        timeout_s=arguments.timeout,
        invoke_mode=arguments.invoke_mode,
        port=arguments.port,
        exec_wrapper=folder / arguments.wrapper if arguments.wrapper else None,
        python=arguments.python,
    )


async def _serve(spec: FunctionSpec) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with FunctionUrl(spec, min_environments=1) as function:
        sys.stdout.write(f"{function.url}\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    sys.exit(main())
