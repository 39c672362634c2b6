"""The environment variables of a function's process, as Lambda defines them.

Source: "Defined runtime environment variables" in the Lambda Developer Guide.
"""

import datetime
import os
import uuid

from .function import FunctionSpec

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
EXECUTION_ENV = "AWS_Lambda_python3.13"

# The only names taken from the shell that started the emulator: without them no program starts.
_PASSED_ON = ("PATH", "HOME", "TMPDIR")


def function_arn(spec: FunctionSpec) -> str:
    """The ARN that a function's events and its context carry."""
    region = spec.env.get("AWS_REGION", REGION)
    return f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{spec.name}"


def process_environment(spec: FunctionSpec, runtime_api: str) -> dict[str, str]:
    """The whole environment of one process; `runtime_api` is `host:port`.

    The function's own `env` wins over everything except the names that say which function this is
    and where its Runtime API listens, as those are reserved on Lambda too.
    """
    today = datetime.datetime.now(datetime.UTC).strftime("%Y/%m/%d")
    defaults = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    defaults |= {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_EXECUTION_ENV": EXECUTION_ENV,
        "AWS_LAMBDA_LOG_FORMAT": "Text",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }
    # SnapStart is only for published versions.
    version = "1" if spec.initialization_type == "snap-start" else "$LATEST"
    reserved = {
        "_HANDLER": spec.handler,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": spec.initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{today}/[{version}]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": str(spec.cwd),
    }
    if spec.max_concurrency is not None:
        reserved["AWS_LAMBDA_MAX_CONCURRENCY"] = str(spec.max_concurrency)
    if spec.exec_wrapper is not None:
        reserved["AWS_LAMBDA_EXEC_WRAPPER"] = str(spec.exec_wrapper)
    return defaults | dict(spec.env) | reserved
