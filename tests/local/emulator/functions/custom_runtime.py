# ruff: noqa: T201 - what a function prints is its log
"""A Lambda runtime in one small file, for the tests of the emulator.

The path of a request names what the function does with it. It talks to the Runtime API by hand, so
that it can break every rule of it.
"""

import base64
import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

HOST, _, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
BASE = "/2018-06-01/runtime"
PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"


class Response:
    """One answer of the Runtime API."""

    def __init__(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            received = connection.recv(65536)
            if not received:
                raise ConnectionResetError("no answer")
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
        }
        while len(body) < int(self.headers.get("content-length", "0")):
            body += connection.recv(65536)
        self.body = body


def call(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Response:
    with socket.create_connection((HOST, int(PORT))) as connection:
        head = {"Host": HOST, "Content-Length": str(len(body)), **(headers or {})}
        connection.sendall(_head(method, path, head) + body)
        return Response(connection)


def _head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {BASE}{path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


class Invocation:
    def __init__(self, response: Response) -> None:
        self.headers = response.headers
        self.id = response.headers["lambda-runtime-aws-request-id"]
        self.event: dict[str, Any] = json.loads(response.body)
        self.query: dict[str, str] = self.event.get("queryStringParameters") or {}
        path = self.event.get("rawPath") or self.event["path"]
        self.name = unquote(str(path)).strip("/").replace("-", "_") or "echo"

    def respond(self, value: object) -> Response:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return call("POST", f"/invocation/{self.id}/response", body)

    def error(self, error_type: str, message: str) -> Response:
        body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
        headers = {"Lambda-Runtime-Function-Error-Type": error_type}
        return call("POST", f"/invocation/{self.id}/error", body, headers)


class Stream:
    """A streamed response."""

    def __init__(
        self, invocation: Invocation, prelude: object = None, headers: dict[str, str] | None = None
    ) -> None:
        self.connection = socket.create_connection((HOST, int(PORT)))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = {
            "Host": HOST,
            "Transfer-Encoding": "chunked",
            "Content-Type": PRELUDE_TYPE,
            "Lambda-Runtime-Function-Response-Mode": "streaming",
            "Lambda-Runtime-Invocation-Id": invocation.headers["lambda-runtime-invocation-id"],
            "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
            **(headers or {}),
        }
        self.connection.sendall(_head("POST", f"/invocation/{invocation.id}/response", head))
        if prelude is not None:
            self.write(json.dumps(prelude).encode() + b"\0" * 8)

    def write(self, data: bytes) -> None:
        self.connection.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self, trailers: dict[str, str] | None = None) -> Response:
        lines = "".join(f"{name}: {value}\r\n" for name, value in (trailers or {}).items())
        self.connection.sendall(b"0\r\n" + lines.encode() + b"\r\n")
        response = Response(self.connection)
        self.connection.close()
        return response


class Functions:
    """What a request can ask for. Each answers by itself."""

    def echo(self, invocation: Invocation) -> None:
        """The event, the headers of `/next` and the process's environment."""
        seen = {
            "event": invocation.event,
            "headers": invocation.headers,
            "env": dict(os.environ),
            "argv": sys.argv,
            "cwd": str(Path.cwd()),
            "pid": os.getpid(),
        }
        invocation.respond({"statusCode": 200, "body": json.dumps(seen)})

    def reply(self, invocation: Invocation) -> None:
        """The request's body, posted as it is."""
        body = invocation.event.get("body", "")
        encoded = invocation.event["isBase64Encoded"]
        invocation.respond(base64.b64decode(body) if encoded else body.encode())

    def raw_stream(self, invocation: Invocation) -> None:
        """The request's body, streamed as it is, prelude and all, in pieces of `size` bytes."""
        body = base64.b64decode(invocation.event["body"])
        size = int(invocation.query.get("size", len(body)))
        stream = Stream(invocation, headers={"Content-Type": invocation.query["type"]})
        for start in range(0, len(body), size):
            stream.write(body[start : start + size])
        stream.end()

    def gated(self, invocation: Invocation) -> None:
        """One chunk for each file that appears: `gate`.0, `gate`.1, ..."""
        stream = Stream(invocation, {"statusCode": 200, "headers": {"content-type": "text/plain"}})
        for number in range(int(invocation.query["chunks"])):
            stream.write(f"chunk {number}\n".encode())
            wait_for(Path(f"{invocation.query['gate']}.{number}"))
        stream.end()
        print("gated stream ended", flush=True)

    def trailers(self, invocation: Invocation) -> None:
        stream = Stream(invocation, None if "only" in invocation.query else {"statusCode": 200})
        if "only" not in invocation.query:
            stream.write(b"half")
        body = json.dumps({"errorType": "Function.Broken", "errorMessage": "half way"}).encode()
        stream.end(
            {
                "Lambda-Runtime-Function-Error-Type": invocation.query.get(
                    "type", "Function.Broken"
                ),
                "Lambda-Runtime-Function-Error-Body": base64.b64encode(body).decode(),
            }
        )

    def error(self, invocation: Invocation) -> None:
        invocation.error(invocation.query.get("type", "Function.Refused"), "no")

    def error_after_start(self, invocation: Invocation) -> None:
        """Breaks the rule against `/error` once streaming began; streams what came back."""
        stream = Stream(invocation, {"statusCode": 200})
        stream.write(b"started ")
        refused = invocation.error("Function.Late", "too late")
        stream.write(f"{refused.status} {refused.body.decode()}".encode())
        stream.end()

    def next_while_busy(self, invocation: Invocation) -> None:
        """Breaks the rule against `/next` with an event in hand."""
        refused = call("GET", "/invocation/next")
        invocation.respond({"statusCode": 200, "body": f"{refused.status} {refused.body.decode()}"})

    def respond_twice(self, invocation: Invocation) -> None:
        invocation.respond({"statusCode": 200, "body": "first"})
        second = invocation.respond({"statusCode": 200, "body": "second"})
        print("second:", second.status, second.body.decode(), flush=True)

    def wrong_id(self, invocation: Invocation) -> None:
        """Answers for an invocation nobody knows, then for a stale one, then well."""
        unknown = call("POST", "/invocation/unknown/response", b"{}")
        stale = call(
            "POST",
            f"/invocation/{invocation.id}/response",
            b"{}",
            {"Lambda-Runtime-Invocation-Id": "another"},
        )
        invocation.respond({"statusCode": 200, "body": f"{unknown.status} {stale.status}"})

    def wrong_mode(self, invocation: Invocation) -> None:
        response = call(
            "POST",
            f"/invocation/{invocation.id}/response",
            b"{}",
            {"Lambda-Runtime-Function-Response-Mode": "sideways"},
        )
        print("mode:", response.status, response.body.decode(), flush=True)

    def truncated(self, invocation: Invocation) -> None:
        """Closes the connection in the middle of the response."""
        stream = Stream(invocation, {"statusCode": 200})
        stream.write(b"half")
        stream.connection.close()

    def crash(self, invocation: Invocation) -> None:
        if "streaming" in invocation.query:
            Stream(invocation, {"statusCode": 200}).write(b"half")
        os._exit(int(invocation.query.get("code", "1")))

    def respond_and_exit(self, invocation: Invocation) -> None:
        stream = Stream(invocation, {"statusCode": 200})
        stream.write(b"whole")
        stream.connection.sendall(b"0\r\n\r\n")
        os._exit(0)

    def sleep(self, invocation: Invocation) -> None:
        if "streaming" in invocation.query:
            stream = Stream(invocation, {"statusCode": 200})
            stream.write(b"half")
        time.sleep(float(invocation.query["seconds"]))
        response = invocation.respond({"statusCode": 200, "body": "slept"})
        print("slept:", response.status, flush=True)

    def flood(self, invocation: Invocation) -> None:
        """`pieces` of 64 KiB; prints how many were written, or why that stopped."""
        stream = Stream(invocation, {"statusCode": 200})
        written = 0
        try:
            for _ in range(int(invocation.query["pieces"])):
                stream.write(b"x" * 65536)
                written += 1
                if written % 16 == 0:
                    print("written", written, flush=True)
            print("ended:", stream.end().status, flush=True)
        except OSError as error:
            print("interrupted:", errno.errorcode[error.errno or 0], flush=True)

    def background(self, invocation: Invocation) -> None:
        """Works on after its response, until the file `gate` exists."""
        invocation.respond({"statusCode": 200, "body": str(os.getpid())})
        wait_for(Path(invocation.query["gate"]))

    def spawn(self, invocation: Invocation) -> None:
        """Starts a child that outlives everything it can."""
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
            os._exit(0)
        invocation.respond({"statusCode": 200, "body": json.dumps([os.getpid(), child])})

    def lines(self, invocation: Invocation) -> None:
        print("short", flush=True)
        print("x" * 200_000, flush=True)
        print("to stderr", file=sys.stderr, flush=True)
        sys.stdout.write("one\rtwo\n")
        sys.stdout.write("no newline at the end")
        sys.stdout.flush()
        invocation.respond({"statusCode": 200})


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.005)


def refuse_to_start(kind: str) -> None:
    if kind == "report":
        body = {"errorType": "Function.NoDatabase", "errorMessage": "no database"}
        headers = {"Lambda-Runtime-Function-Error-Type": "Function.NoDatabase"}
        print(call("POST", "/init/error", json.dumps(body).encode(), headers).status, flush=True)
    elif kind == "hang":
        time.sleep(600)
    os._exit(3)


def restore() -> None:
    """The runtime's side of SnapStart."""
    print("before snapshot", flush=True)
    assert call("GET", "/restore/next").status == 200
    print("after restore", flush=True)
    if "RESTORE_FAILURE" in os.environ:
        body = b'{"errorType": "Runtime.AfterRestoreError", "errorMessage": "no luck"}'
        headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError"}
        call("POST", "/restore/error", body, headers)
        os._exit(65)


def serve() -> None:
    functions = Functions()
    while True:
        try:
            response = call("GET", "/invocation/next")
        except ConnectionError:
            os._exit(0)
        if response.status != 200:
            print("next:", response.status, response.body.decode(), flush=True)
            os._exit(1)
        invocation = Invocation(response)
        try:
            getattr(functions, invocation.name)(invocation)
        except ConnectionError as error:
            print("connection:", type(error).__name__, flush=True)


def main() -> None:
    if kind := os.environ.get("INIT_FAILURE"):
        refuse_to_start(kind)
    if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start":
        restore()
    pollers = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1"))
    for _ in range(pollers - 1):
        threading.Thread(target=serve, daemon=True).start()
    serve()


if __name__ == "__main__":
    main()
