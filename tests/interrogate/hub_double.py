"""A Hugging Face hub of two files on this machine, which can be made to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from interrogate.fetch_file import RemoteFile


@dataclass
class Hub:
    """`files` by name; `requests` are (path, Range) in their order."""

    files: dict[str, bytes]
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    drops: list[int] = field(default_factory=list)
    """After so many bytes the next connections break, one after the other."""
    statuses: list[int] = field(default_factory=list)
    """What the next requests for files are answered instead."""
    resumes: bool = True
    serves: dict[str, bytes] = field(default_factory=dict)
    """Contents that are sent instead of what the listing promises."""
    gate: threading.Event | None = None
    """Half of the file `gated` is held back until this is set."""
    gated: str = ""

    def remote(self, name: str) -> RemoteFile:
        data = self.files[name]
        return RemoteFile(
            f"{self.url}/repo/resolve/abc/{name}", name, len(data), hashlib.sha256(data).hexdigest()
        )

    def listing(self) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        for name, data in self.files.items():
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324
            row: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git}
            if len(data) > 1000:
                sha = hashlib.sha256(data).hexdigest()
                row |= {"blobId": "p" * 40, "lfs": {"sha256": sha, "size": len(data)}}
            rows.append(row)
        return {"sha": "abc", "siblings": rows}


@contextmanager
def hub(files: dict[str, bytes]) -> Iterator[Hub]:
    """The hub, running."""
    double = Hub(files)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            if self.path.startswith("/api/models/"):
                body = json.dumps(double.listing()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            wanted = self.headers.get("Range", "")
            double.requests.append((self.path, wanted))
            if double.statuses:
                self.send_error(double.statuses.pop(0))
                return
            name = self.path.rpartition("/")[2]
            self._send(double.serves.get(name, double.files[name]), wanted)

        def _send(self, data: bytes, wanted: str) -> None:
            first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            resumed = bool(wanted) and double.resumes
            body = data[first:] if resumed else data
            self.send_response(206 if resumed else 200)
            if resumed:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            stop = double.drops.pop(0) if double.drops else len(body)
            if double.gate is not None and self.path.endswith(double.gated):
                self.wfile.write(body[: stop // 2])
                self.wfile.flush()
                double.gate.wait(20)
                body, stop = body[stop // 2 :], stop - stop // 2
            self.wfile.write(body[:stop])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield double
    finally:
        if double.gate is not None:
            double.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
