"""How a server fails that publishes keys: what it does with a request in place of an answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.sign_in import Trouble


@contextmanager
def hanging() -> Iterator[Trouble]:
    """A server that takes the request and says nothing, until the end of the block."""
    let_go = threading.Event()

    def hang(_request: BaseHTTPRequestHandler) -> None:
        let_go.wait()

    try:
        yield hang
    finally:
        let_go.set()


def dripping(request: BaseHTTPRequestHandler) -> None:
    """A byte every 50 ms, for as long as somebody reads."""
    request.send_response(200)
    request.send_header("content-length", "100000")
    request.end_headers()
    for _ in range(2_000):
        request.wfile.write(b" ")
        time.sleep(0.05)


def dripping_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(2_000):
        request.wfile.write(f"x-{number}: y\r\n".encode())
        time.sleep(0.05)


def flooding(request: BaseHTTPRequestHandler) -> None:
    """200 MB, without saying so before."""
    request.send_response(200)
    request.end_headers()
    try:
        for _ in range(200):
            request.wfile.write(b" " * 1_000_000)
    finally:
        request.close_connection = True


def leading_to(url: str, request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("location", url)
    request.send_header("content-length", "0")
    request.end_headers()
