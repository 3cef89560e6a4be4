"""A proxy on 127.0.0.1 that adds the API key, for programs that cannot send one."""

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.serving import serving
from tests.worker.service import PATIENCE_SECONDS

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@contextmanager
def key_adding_proxy(url: str, key: str) -> Iterator[str]:
    """The address of a proxy in front of a service, which runs until the block ends."""
    target = urlsplit(url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            """Print nothing."""

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            with closing(http.client.HTTPConnection(target, timeout=PATIENCE_SECONDS)) as connection:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        connection.putheader(name, value)
                connection.putheader("authorization", f"Bearer {key}")
                connection.putheader("content-length", str(len(body)))
                connection.endheaders(body)
                with closing(connection.getresponse()) as answer, suppress(ConnectionError):  # the caller may leave
                    self._answer(answer)

        def _answer(self, answer: http.client.HTTPResponse) -> None:
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("connection", "close")
            self.close_connection = True
            self.end_headers()
            while part := answer.read1(2**16):
                self.wfile.write(part)
                self.wfile.flush()

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - names required by http.server

    with serving(Handler) as address:
        yield address
