"""A Lambda Runtime API and Function URL emulator that really streams.

One `FunctionUrl` is one deployed function: an HTTP listener on loopback in front of a pool of
execution environments, each an operating system process that speaks the Lambda Runtime API to a
listener of its own. A chunk that the function writes is on the client's socket before the function
can write the next one, which `sam local` and AWS's Runtime Interface Emulator cannot do: both
collect the response first.

The code follows AWS's documents ("Building a custom runtime", "Invoking Lambda function URLs") and,
where these are silent, the behaviour of AWS's open source RAPID. Three things are left out on
purpose: authentication (`AuthType: NONE` only), the 2 MB/s cap on long streams, and memory limits.

What has no URL is invoked with an event (`invoke`), as a schedule does.

It needs `h11`, and nothing of the project around it: copy this folder, or install the package. In
a test, an `async with FunctionUrl(FunctionSpec(...)) as function` listens at `function.url`; from a
shell, `python -m <this package> --help` tells how.
"""

from .cors import Cors
from .event import EventFailed, invoke
from .function import FunctionSpec, InvokeMode
from .invocation import InvocationRecord
from .url import FunctionUrl

__all__ = [
    "Cors",
    "EventFailed",
    "FunctionSpec",
    "FunctionUrl",
    "InvocationRecord",
    "InvokeMode",
    "invoke",
]
