"""AWS's own Python runtime client, `awslambdaric`, on any system.

It is run as `python -m sidestream.local.managed_runtime <handler>`. Where its native part is
missing, as it is everywhere but on Linux, `sidestream.local.runtime_client` takes its name first.
"""

import importlib
import sys


def main() -> None:
    """Serve invocations until the environment ends."""
    try:
        importlib.import_module("runtime_client")
    except ImportError:
        own = importlib.import_module("sidestream.local.runtime_client")
        sys.modules["runtime_client"] = own
    importlib.import_module("awslambdaric.__main__").main(sys.argv)


if __name__ == "__main__":
    main()
