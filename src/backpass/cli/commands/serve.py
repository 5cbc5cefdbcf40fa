"""``backpass serve``: answer requests for predictions over HTTP, with the content that ``predict --json`` prints."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Semaphore
from typing import Any

import click

from backpass.cli.commands.predict import Columns, Spread, prediction_facts, read_rows
from backpass.cli.console import Console
from backpass.cli.failure import Failure
from backpass.cli.options.declaration import Command, WholeNumber, argument, keeping, option, output_options, strictness
from backpass.cli.options.reading import reading
from backpass.cli.summary import columns_facts
from backpass.cli.termination import Terminated
from backpass.engine.cores import allowed_cores
from backpass.errors import DataError, ResourceError, UsageError
from backpass.model import GroupedModel, Model
from backpass.model.batches.batches import cells
from backpass.model.batches.findings import Findings
from backpass.model.grouped.loading import load
from backpass.table.files.scratch import Scratch
from backpass.table.messages import counted, data_error
from backpass.table.unseen import require_seen

LARGEST_BODY = 64 * 1024**2
"""Maximum size of a request in bytes."""

PATIENCE = 30.0
"""Seconds that a client may take to send the next bytes of its request, and that a request waits for its turn."""

FEWEST_PARALLEL = 4
"""Requests that are predicted at once on a machine with fewer cores."""

WAITING = 256
"""Connections that may be open beside those whose requests are predicted."""

RETRY_AFTER = 2
"""Seconds after which a client that was turned away is to ask again."""

READING, ENDING = 4.0, 6.5
"""Seconds, from the signal to end on, in which requests are read, and in which they are answered. ``docker stop`` kills
after 10."""

LINGERING = 2.0
"""Seconds that a client may take to stop sending a request that was refused."""

DRAINING = 0.1
"""Seconds after which clients that were turned away are looked after."""

PIECE = 65_536
"""Bytes of a request that are read at a time."""

METHODS = {"/": ("GET", "HEAD"), "/predict": ("POST",)}
"""The paths, and the methods that each answers."""

DIGITS = 18
"""Most digits of a length that is taken for a number."""

LONGEST_SCALAR = 1000
"""Bytes up to which a request is checked for being a single JSON value."""

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
@option(
    "--parallel",
    metavar="NUMBER",
    type=WholeNumber(1),
    help="requests that are predicted at once; 256 more wait, and others get the status 503; "
    "default: the number of cores, at least 4",
)
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

    Requests are answered in parallel, --parallel at once. 256 more wait for their turn, 30 seconds at most; others are
    answered with status 503 and the header Retry-After. There is no encryption and no authentication: by default the
    server accepts connections from this machine only; put a proxy in front of it before you open it to others.

    Ctrl-C or SIGTERM ends the server, with exit code 0, once the requests in progress are answered, after 8 seconds at
    the latest; what a client has not sent after 4 seconds is no longer read.

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
    parallel = given["parallel"] or max(allowed_cores().threads, FEWEST_PARALLEL)
    server = _opened(given["host"], given["port"], Service(model, given, spread, console), parallel)
    try:
        address = f"http://{_bracketed(given['host'])}:{server.server_port}"
        if given["as_json"]:
            console.document("serve", url=address, **server.service.description())
        console.line(f"serving {given['model']} on {address} (Ctrl-C to stop)")
        server.serve_forever(DRAINING)
    except (KeyboardInterrupt, Terminated):
        console.line("stopping")
    finally:
        server.server_close()
    if not (dropped := len(server.open)):
        console.line("stopped")
        return 0
    console.line(f"stopped; {counted(dropped, 'request')} not answered")
    sys.stdout.flush()
    os._exit(0)  # a usual end would destroy what the threads of these requests are using, and abort


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

    def predicted(self, path: Path) -> str:
        """The answer to ``POST /predict``.

        Args:
            path: The file that holds the request.

        Raises:
            BackpassError: The request is not a table that the model can predict.
        """
        try:
            if (value := _scalar(path)) is not None:
                hint = 'a row is an object: {"COLUMN": value, ...}'
                raise data_error(_BODY, f"expected a list of rows or an object of columns; got {value}", hint)
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


def _scalar(path: Path) -> str | None:
    """The text of a file that is a single JSON value, such as null or 3; None if it is anything else."""
    if path.stat().st_size > LONGEST_SCALAR:
        return None
    try:
        text = path.read_text("utf-8").strip()
        return None if isinstance(json.loads(text), dict | list) else text
    except (ValueError, RecursionError):
        return None


class Server(ThreadingHTTPServer):
    """An HTTP server with a thread per connection, and a limit for both the connections and the predictions at once.

    Attributes:
        slots: One for each request that may be predicted.
        open: The connections in progress, each with the resources of its request.
    """

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, service: Service, parallel: int = FEWEST_PARALLEL) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.service, self.parallel = service, parallel
        self.slots = Semaphore(parallel)
        self.open = dict[socket.socket, ExitStack]()
        self._closed = Condition()
        self._turned_away = deque[tuple[socket.socket, float]]()
        super().__init__((host, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self.open) >= self.parallel + WAITING:
            self._turn_away(request, client_address[0])
            return
        self.open[request] = ExitStack()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        if request in self.open:
            self.open[request].close()
        with self._closed:
            self.open.pop(request, None)
            self._closed.notify_all()

    def busy(self) -> Failure:
        """What a client is told that is turned away."""
        message = f"the server is busy: {counted(self.parallel, 'request')} predicted at once, and others wait"
        hint = f"send the request again in {RETRY_AFTER} seconds; serve --parallel NUMBER predicts more at once"
        return Failure.of(ResourceError(message, hint=hint))

    def _turn_away(self, request: socket.socket, address: str) -> None:
        """Answer without reading the request. Its bytes are discarded later: to close now could lose the answer."""
        content = self.service.console.as_document("", error=self.busy().facts())
        status = HTTPStatus.SERVICE_UNAVAILABLE
        head = f"HTTP/1.0 {status} {status.phrase}\r\nContent-Type: application/json\r\nRetry-After: {RETRY_AFTER}\r\n"
        self.service.console.line(f'{address} "-" {status} -')
        request.setblocking(False)
        with suppress(OSError):
            request.send(f"{head}Content-Length: {len(content)}\r\n\r\n{content}".encode("ascii"))
            request.shutdown(socket.SHUT_WR)
        self._turned_away.append((request, time.monotonic() + LINGERING))
        while len(self._turned_away) > WAITING:  # further clients wait until these are done
            time.sleep(0.01)
            self.service_actions()

    def service_actions(self) -> None:
        """Discard what clients that were turned away have sent by now, and close the connections that are done."""
        for _ in range(len(self._turned_away)):
            request, until = self._turned_away.popleft()
            if time.monotonic() > until or _is_ended(request):
                request.close()
            else:
                self._turned_away.append((request, until))

    def server_close(self) -> None:
        """Answer the requests in progress, in ``ENDING`` seconds; what was not sent after ``READING`` is not read."""
        super().server_close()
        start = time.monotonic()
        for request, _ in self._turned_away:
            request.close()
        with self._closed:
            if not self._closed.wait_for(lambda: not self.open, READING):
                for request in self.open:
                    with suppress(OSError):
                        request.shutdown(socket.SHUT_RD)
            self._closed.wait_for(lambda: not self.open, start + ENDING - time.monotonic())
            left = [*self.open.values()]
        for stack in left:
            stack.close()

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
        stack = self.server.open[self.connection]  # closed with the connection, or when the server ends
        try:
            path = Scratch(stack).file(_BODY)
            received = self._received(path, length)
            if received < length:
                message = f"the request ends after {received:,} of {length:,} bytes"
                return self._refuse(HTTPStatus.BAD_REQUEST, message)
            if not self.server.slots.acquire(timeout=PATIENCE):
                failure, headers = self.server.busy(), {"Retry-After": str(RETRY_AFTER)}
                return self._fail(HTTPStatus.SERVICE_UNAVAILABLE, failure, headers)
            try:
                answer = self.server.service.predicted(path)
            finally:
                self.server.slots.release()
        except (TimeoutError, ConnectionError):
            raise
        except Exception as error:
            failure = Failure.of(error)
            is_table = failure.kind in ("data", "usage")
            return self._fail(HTTPStatus.BAD_REQUEST if is_table else HTTPStatus.INTERNAL_SERVER_ERROR, failure)
        return self._answer(HTTPStatus.OK, answer)

    def _received(self, path: Path, length: int) -> int:
        """Write the request to a file, piece by piece, because many may wait; return the number of its bytes."""
        left = length
        with path.open("wb") as file:
            while left > 0 and (piece := self.rfile.read1(min(left, PIECE))):
                file.write(piece)
                left -= len(piece)
        return length - left

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
        self._fail(status, Failure.of(UsageError(message, hint=hint)), headers)
        self._linger()

    def _fail(self, status: HTTPStatus, failure: Failure, headers: Mapping[str, str] | None = None) -> None:
        self._answer(status, self.server.service.console.as_document("", error=failure.facts()), headers)

    def _linger(self) -> None:
        """Discard what the client still sends: closing now would reset the connection, and the answer could be lost."""
        self.connection.settimeout(LINGERING)
        left = LARGEST_BODY
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (piece := self.rfile.read1(PIECE)):
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


def _is_ended(request: socket.socket) -> bool:
    """Discard the bytes that a connection without blocking holds; return whether the client has ended it."""
    try:
        while piece := request.recv(PIECE):
            del piece
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _opened(host: str, port: int, service: Service, parallel: int) -> Server:
    """The server, listening.

    Raises:
        ResourceError: The address is in use, or does not belong to this machine.
        UsageError: The port is no port.
    """
    if port > 65_535:
        raise UsageError(f"--port must be a whole number from 0 to 65535; got {port}")
    try:
        return Server(host, port, service, parallel)
    except OSError as error:
        raise ResourceError(
            f"cannot listen on {_bracketed(host)}:{port}: {error.strerror or error}",
            hint="choose another --port, or 0 for any free one; --host is an address of this machine",
        ) from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
