"""``backpass serve``: answer requests for predictions over HTTP, with the content that ``predict --json`` prints."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Timer
from typing import Any

import click

from backpass.cli.commands.predict import Columns, Spread, prediction_facts, read_rows
from backpass.cli.console import Console
from backpass.cli.failure import Failure
from backpass.cli.options.declaration import Command, WholeNumber, argument, keeping, option, output_options, strictness
from backpass.cli.options.reading import reading
from backpass.cli.summary import columns_facts
from backpass.cli.termination import Terminated
from backpass.errors import DataError, ResourceError, UsageError
from backpass.model import GroupedModel, Model
from backpass.model.batches.batches import cells
from backpass.model.batches.findings import Findings
from backpass.model.grouped.loading import load
from backpass.table.files.scratch import Scratch
from backpass.table.unseen import require_seen

LARGEST_BODY = 64 * 1024**2
"""Maximum size of a request in bytes."""

PATIENCE = 30.0
"""Seconds that a client may take to send the next bytes of its request; also all of it, once the server is to end."""

LINGERING = 2.0
"""Seconds that a client may take to stop sending a request that was refused."""

METHODS = {"/": ("GET", "HEAD"), "/predict": ("POST",)}
"""The paths, and the methods that each answers."""

DIGITS = 18
"""Most digits of a length that is taken for a number."""

_BODY = "request"
"""What the messages call the table in a request."""


@click.command(cls=Command)
@argument("model", type=click.Path())
@option("--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on; default: 127.0.0.1")
@option("--port", metavar="NUMBER", type=WholeNumber(0), default=8000, help="port; 0: any free one; default: 8000")
@option(
    "--interval",
    type=float,
    metavar="LEVEL",
    help="add a prediction interval with this coverage, such as 0.9, to every answer",
)
@option("--quantiles", metavar="LIST", help="add these quantiles of the target to every answer, such as 0.05,0.5,0.95")
@keeping()
@strictness()
@reading()
@output_options()
def serve(**given: Any) -> int:
    """Answer requests for predictions over HTTP.

    POST /predict takes a table: a JSON object (a row), a list of objects, an object of columns, or the content of a
    file in any format that predict reads, such as CSV; at most 64 MiB. The answer is the object that predict --json
    prints, with "predictions", "probabilities", "intervals", "notes" and "warnings". GET / describes the model: its
    target, classes and columns. A table that cannot be predicted is answered with status 400 and the object that
    predict --json prints for this error.

    Requests are answered in parallel. There is no encryption and no authentication: by default the server accepts
    connections from this machine only; put a proxy in front of it before you open it to others.

    Ctrl-C or SIGTERM ends the server, with exit code 0, once the requests in progress are answered; what a client has
    not sent after 30 seconds is no longer read.

    \b
    Examples:
      backpass serve churn.backpass
      backpass serve housing.backpass --port 9000 --interval 0.9
      curl -d '{"rooms": 3, "town": "north"}' http://127.0.0.1:8000/predict
      curl --data-binary @new.csv http://127.0.0.1:8000/predict
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    spread = Spread.of(model, given["interval"], given["quantiles"])
    server = _opened(given["host"], given["port"], Service(model, given, spread, console))
    try:
        address = f"http://{_bracketed(given['host'])}:{server.server_port}"
        if given["as_json"]:
            console.document("serve", url=address, **server.service.description())
        console.line(f"serving {given['model']} on {address} (Ctrl-C to stop)")
        server.serve_forever()
    except (KeyboardInterrupt, Terminated):
        console.line("stopped")
    finally:
        server.server_close()
    return 0


class Service:
    """What the server answers.

    Args:
        model: The model.
        given: The options of the command.
        spread: The intervals and quantiles of every answer.
        console: Formats the answers and prints the log.
    """

    def __init__(self, model: Model | GroupedModel, given: Mapping[str, Any], spread: Spread, console: Console) -> None:
        self.model, self.given, self.spread, self.console = model, given, spread, console

    def description(self) -> dict[str, Any]:
        """The target and the columns of the model, as ``show --json`` describes them."""
        known = {each["name"]: each for each in columns_facts(self.model.schema)}
        others = {name: {"name": name, "kind": kind} for name, kind in self.model.kinds().items()}
        return {
            "target": self.model.target,
            "task": self.model.head.target.task,
            "outputs": list(self.model.labels),
            "classes": list(self.model.classes),
            "columns": [*{**others, **known}.values()],
        }

    def described(self) -> str:
        """The answer to ``GET /``."""
        return self.console.as_document("serve", **self.description())

    def predicted(self, body: bytes) -> str:
        """The answer to ``POST /predict``.

        Raises:
            BackpassError: The body is not a table that the model can predict.
        """
        with ExitStack() as stack:
            path = Scratch(stack).file(_BODY)
            path.write_bytes(body)
            try:
                return self._predicted(str(path))
            except (DataError, UsageError) as error:
                said = (error.message, error.hint, *error.details)
                message, hint, *details = (each.replace(str(path), _BODY) for each in said)
                raise type(error)(message, details=details, hint=hint) from error

    def _predicted(self, path: str) -> str:
        table, keep = read_rows(self.model, {**self.given, "table": path})
        predictions = self.model.predictions(table)
        if self.given["strict"]:
            found = Findings.of(table, predictions)
            require_seen(path, found.unseen, found.suspects)
        kept: Columns = {name: cells(table, name) for name in keep}
        facts = prediction_facts(self.model, table, predictions, kept, self.spread)
        return self.console.as_document("predict", **facts)


class Server(ThreadingHTTPServer):
    """An HTTP server with a thread per request; ``server_close`` waits for the requests in progress."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, service: Service) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.service = service
        self.open = set[socket.socket]()
        super().__init__((host, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Answer the requests in progress. A client that sends without end does not keep the server from ending."""
        timer = Timer(PATIENCE, self._read_no_more)
        timer.start()
        super().server_close()
        timer.cancel()

    def _read_no_more(self) -> None:
        for request in list(self.open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is no error of the server."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        if self._is_known():
            self._answer(HTTPStatus.OK, self.server.service.described())

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def do_POST(self) -> None:
        if not self._is_known() or (length := self._length()) is None:
            return
        body = self.rfile.read(length)
        if len(body) < length:
            message = f"the request ends after {len(body):,} of {length:,} bytes"
            return self._refuse(HTTPStatus.BAD_REQUEST, message)
        try:
            answer = self.server.service.predicted(body)
        except Exception as error:
            failure = Failure.of(error)
            is_table = failure.kind in ("data", "usage")
            status = HTTPStatus.BAD_REQUEST if is_table else HTTPStatus.INTERNAL_SERVER_ERROR
            return self._answer(status, self.server.service.console.as_document("", error=failure.facts()))
        return self._answer(HTTPStatus.OK, answer)

    def _is_known(self) -> bool:
        """Whether the path answers the method; the request is refused if not."""
        methods = METHODS.get(self.path, ())
        if not methods:
            self._refuse(HTTPStatus.NOT_FOUND, f"no such path: {self.path}")
        elif self.command not in methods:
            message = f"{self.path} does not answer {self.command}, but {' and '.join(methods)}"
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, message, Allow=", ".join(methods))
        return self.command in methods

    def _length(self) -> int | None:
        """The bytes of the request; None if it was refused."""
        stated = self.headers.get("Content-Length", "")
        if not stated.isdecimal() or "Transfer-Encoding" in self.headers:
            message = "a request needs the header Content-Length, and is sent in one piece (not chunked)"
            self._refuse(HTTPStatus.LENGTH_REQUIRED, message)
            return None
        if len(stated) > DIGITS or int(stated) > LARGEST_BODY:
            message = f"a request has at most {LARGEST_BODY:,} bytes; got more"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
            return None
        return int(stated)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request that is no HTTP, or has a method without a function of this class."""
        if code != HTTPStatus.NOT_IMPLEMENTED:
            self._refuse(HTTPStatus(code), message or HTTPStatus(code).phrase)
        else:
            self._is_known()

    def _refuse(self, status: HTTPStatus, message: str, **headers: str) -> None:
        hint = "POST /predict takes a table, GET / describes the model"
        error = Failure.of(UsageError(message, hint=hint)).facts()
        self._answer(status, self.server.service.console.as_document("", error=error), headers)
        self._linger()

    def _linger(self) -> None:
        """Discard what the client still sends: closing now would reset the connection, and the answer could be lost."""
        self.connection.settimeout(LINGERING)
        left = LARGEST_BODY
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (piece := self.rfile.read1(65_536)):
                left -= len(piece)

    def _answer(self, status: HTTPStatus, document: str, headers: Mapping[str, str] | None = None) -> None:
        content = document.encode("ascii")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def version_string(self) -> str:
        return "backpass"

    def log_message(self, format: str, *args: Any) -> None:
        self.server.service.console.line(f"{self.client_address[0]} {format % args}")


def _opened(host: str, port: int, service: Service) -> Server:
    """The server, listening.

    Raises:
        ResourceError: The address is in use, or does not belong to this machine.
        UsageError: The port is no port.
    """
    if port > 65_535:
        raise UsageError(f"--port must be a whole number from 0 to 65535; got {port}")
    try:
        return Server(host, port, service)
    except OSError as error:
        raise ResourceError(
            f"cannot listen on {_bracketed(host)}:{port}: {error.strerror or error}",
            hint="choose another --port, or 0 for any free one; --host is an address of this machine",
        ) from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
