"""``backpass serve``: answers are what ``predict --json`` prints; a bad request does not end the server."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from backpass.cli.commands import serve as module
from backpass.cli.commands.predict import Spread
from backpass.cli.commands.serve import LARGEST_BODY, Server, Service, serve
from backpass.cli.console import Console
from backpass.model.grouped.loading import load

Call = Callable[..., Any]


@contextmanager
def served(path: Path, *options: str, parallel: int = 4) -> Iterator[Server]:
    given = serve.make_context("serve", [str(path), *options]).params
    model = load(path)
    spread = Spread.of(model, given["interval"], given["quantiles"])
    server = Server("127.0.0.1", 0, Service(model, given, spread, Console(quiet=True)), parallel)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(server: Server, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read().decode("ascii")
    connection.close()
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, json.loads(content)


def test_answers_are_those_of_predict(home: Path, call: Call) -> None:
    lines = (home / "numbers.csv").read_text().splitlines()[:4]
    names = lines[0].split(",")
    objects = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    rows = [
        {name: float(value) if name in ("size", "age") else value for name, value in each.items() if value}
        for each in objects
    ]
    Path("new.csv").write_text("\n".join(lines) + "\n")
    printed = call("predict", home / "numbers.backpass", "new.csv", "--interval", "0.5", "--keep", "colour", "--json")
    with served(home / "numbers.backpass", "--interval", "0.5", "--keep", "colour") as server:
        for body in ("\n".join(lines), json.dumps(rows), "\n".join(json.dumps(row) for row in rows)):
            assert asked(server, "POST", "/predict", body) == (200, printed.json)
        status, one = asked(server, "POST", "/predict", json.dumps(rows[1]))
    assert (status, one["predictions"]) == (200, printed.json["predictions"][1:2])
    assert one["intervals"] == printed.json["intervals"][1:2]
    assert one["kept"] == {"colour": [rows[1]["colour"]]}


def test_the_model_is_described(home: Path, call: Call) -> None:
    with served(home / "pets.backpass") as server:
        status, found = asked(server, "GET", "/")
        _, predicted = asked(server, "POST", "/predict", '{"size": 9, "age": 3, "colour": "mauve"}')
    assert (status, found["command"], found["target"], found["classes"]) == (200, "serve", "pet", ["cat", "dog"])
    assert found["outputs"] == predicted["outputs"]
    assert found["columns"] == call("show", home / "pets.backpass", "--json").json["columns"]
    assert sum(predicted["probabilities"][0]) == pytest.approx(1)
    assert "mauve" in "".join([*predicted["notes"], *predicted["warnings"]])


def test_bad_requests_are_named_and_the_server_goes_on(home: Path) -> None:
    with served(home / "pets.backpass") as server:
        for body, words in {
            '{"size": 9}': "column 'colour' is in the model but not in the table",
            '{"size": "big", "age": 3, "colour": "red"}': "'big'",
            '{"size": 9, ': "request",
            "": "request",
            "\0\1\2\3": "request",
            "null": "request: expected a list of rows or an object of columns; got null",
            " 3\n": "request: expected a list of rows or an object of columns; got 3",
        }.items():
            status, found = asked(server, "POST", "/predict", body)
            said = json.dumps(found)
            assert (status, found["error"]["kind"]) == (400, "data"), body
            assert words in said, body
            assert "backpass-" not in said, "the path of a temporary file"
        assert asked(server, "POST", "/predict", "x", **{"Content-Length": str(LARGEST_BODY + 1)})[0] == 413
        assert asked(server, "POST", "/predict", iter([b"x"]))[0] == 411
        assert asked(server, "POST", "/elsewhere", "x")[0] == 404
        for method, path, expected in (
            ("GET", "/predict", 405), ("PUT", "/predict", 405), ("DELETE", "/", 405), ("BREW", "/", 405),
            ("PUT", "/elsewhere", 404), ("GET", "/" + "a" * 70_000, 414),
        ):  # fmt: skip
            status, found = asked(server, method, path)
            assert status == expected
            assert found["error"]["hint"] == "POST /predict takes a table, GET / describes the model"
        assert asked(server, "POST", "/predict", '{"size": 9, "age": 3, "colour": "red"}')[0] == 200


def test_the_page_and_the_help_name_the_largest_request() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "serving.md"
    for text in (serve.help or "", page.read_text("utf-8")):
        assert f"at most {LARGEST_BODY >> 20} MiB" in text


def sent(server: Server, data: bytes) -> bytes:
    """The answer to these bytes, after which the client sends no more."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_request_that_is_not_whole_is_not_predicted(home: Path) -> None:
    rows = b"size,age,colour\n9,3,red\n"
    start = b"POST /predict HTTP/1.1\r\nContent-Length: "
    with served(home / "pets.backpass") as server:
        assert b" 200 " in sent(server, start + b"%d\r\n\r\n" % len(rows) + rows)
        found = sent(server, start + b"500\r\n\r\n" + rows)
        assert b" 400 " in found
        assert b"the request ends after 24 of 500 bytes" in found
        chunked = b"%d\r\nTransfer-Encoding: chunked\r\n\r\n" % (len(rows) + 9)
        assert b" 411 " in sent(server, start + chunked + b"18\r\n" + rows + b"\r\n0\r\n")
        assert b" 413 " in sent(server, start + b"9" * 5000 + b"\r\n\r\n")
        assert b'"error"' in sent(server, b"\x16\x03\x01\r\n\r\n")
        assert b"<html" not in sent(server, b"GET / HTTP/9.9\r\n\r\n")
        head = sent(server, b"HEAD / HTTP/1.1\r\n\r\n")
        assert b" 200 " in head
        assert head.endswith(b"\r\n\r\n")


def test_a_client_that_sends_no_more_does_not_keep_the_server_from_ending(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READING", 0.05)
    with served(home / "pets.backpass") as server:
        connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=30)
        connection.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 500\r\n\r\nsize")
        while not server.open:
            time.sleep(0.001)
    assert b"the request ends after 4 of 500 bytes" in b"".join(iter(lambda: connection.recv(65_536), b""))
    connection.close()


class Held(Service):
    """A service whose predictions wait until ``go``."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.go, self.started = threading.Event(), threading.Semaphore(0)
        self.paths: list[Path] = []

    def predicted(self, path: Path) -> str:
        self.paths.append(path)
        self.started.release()
        assert self.go.wait(30)
        return super().predicted(path)


def answers(server: Server, count: int, body: str) -> tuple[list[Any], list[threading.Thread]]:
    """Requests that are under way, and the list in which their answers will be."""
    found: list[Any] = []

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        connection.request("POST", "/predict", body)
        answer = connection.getresponse()
        found.append((answer.status, answer.headers["Retry-After"], json.loads(answer.read())))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    return found, threads


ROW = '{"size": 9, "age": 3, "colour": "red"}'


def test_more_requests_than_the_server_takes_are_turned_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    monkeypatch.setattr(sys.modules[__name__], "Service", Held)
    with served(home / "pets.backpass", parallel=2) as server:
        service = server.service
        assert isinstance(service, Held)
        found, threads = answers(server, 9, ROW)
        for _ in range(2):
            assert service.started.acquire(timeout=30)
        while len(found) < 4:
            time.sleep(0.001)
        assert len(service.paths) == 2, "the others wait"
        service.go.set()
        for thread in threads:
            thread.join()
        assert asked(server, "GET", "/")[0] == 200
    assert [status for status, *_ in sorted(found, key=lambda each: each[0])] == [200] * 5 + [503] * 4
    for status, again, said in found:
        assert (again == "2") == (status == 503)
        if status == 503:
            assert said["error"]["kind"] == "resource"
            assert "the server is busy: 2 requests predicted at once" in said["error"]["message"]


def test_a_request_waits_for_its_turn_only_so_long(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(sys.modules[__name__], "Service", Held)
    with served(home / "pets.backpass", parallel=1) as server:
        service = server.service
        assert isinstance(service, Held)
        found, threads = answers(server, 2, ROW)
        while not found:
            time.sleep(0.001)
        service.go.set()
        for thread in threads:
            thread.join()
    assert sorted(each[:2] for each in found) == [(200, None), (503, "2")]


def test_a_prediction_that_takes_long_does_not_keep_the_server_from_ending(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READING", 0.0)
    monkeypatch.setattr(module, "ENDING", 0.05)
    monkeypatch.setattr(sys.modules[__name__], "Service", Held)
    with served(home / "pets.backpass") as server:
        service = server.service
        assert isinstance(service, Held)
        _, threads = answers(server, 1, ROW)
        assert service.started.acquire(timeout=30)
        assert service.paths[0].exists()
    assert len(server.open) == 1, "the command names the number"
    assert not service.paths[0].parent.exists()
    service.go.set()
    for thread in threads:
        thread.join()


def test_strict(home: Path) -> None:
    with served(home / "pets.backpass", "--strict") as server:
        status, found = asked(server, "POST", "/predict", '{"size": 9, "age": 3, "colour": "mauve"}')
    assert (status, found["error"]["kind"]) == (400, "data")
    assert "colour" in json.dumps(found["error"])


def test_requests_in_parallel_have_their_own_answers(home: Path) -> None:
    bodies = [json.dumps({"size": size / 4, "age": 3, "colour": "red"}) for size in range(24)]
    with served(home / "numbers.backpass") as server:
        alone = [asked(server, "POST", "/predict", body)[1]["predictions"] for body in bodies]
        found: dict[int, Any] = {}

        def ask(i: int) -> None:
            found[i] = asked(server, "POST", "/predict", bodies[i])[1]["predictions"]

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [found[i] for i in range(len(bodies))] == alone
    assert len({each[0] for each in alone}) > 12


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM")
def test_sigterm_ends_the_command(home: Path) -> None:
    command = [sys.executable, "-m", "backpass", "serve", "pets.backpass", "--port", "0", "--json"]
    running = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        facts = json.loads(running.stdout.readline())
        connection = HTTPConnection(facts["url"].removeprefix("http://"), timeout=60)
        connection.request("GET", "/")
        assert json.loads(connection.getresponse().read())["target"] == facts["target"] == "pet"
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0
    assert said.splitlines()[0] == f"serving pets.backpass on {facts['url']} (Ctrl-C to stop)"
    assert said.splitlines()[-1] == "stopped"


def test_addresses_that_cannot_be_used(home: Path, call: Call) -> None:
    with served(home / "pets.backpass") as server:
        failed = call("serve", home / "pets.backpass", "--port", str(server.server_port))
    assert (failed.code, failed.out) == (5, "")
    assert f"error: cannot listen on 127.0.0.1:{server.server_port}: Address already in use" in failed.err
    failed = call("serve", home / "pets.backpass", "--port", "70000")
    assert (failed.code, failed.out) == (2, "")
    assert "--port must be a whole number from 0 to 65535; got 70000" in failed.err
    failed = call("serve", home / "pets.backpass", "--interval", "0.9")
    assert (failed.code, failed.out) == (2, "")
