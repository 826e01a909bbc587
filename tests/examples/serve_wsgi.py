"""Serves `application` or `app` of the module `shop` in the current folder, with a thread for each request.

It prints the port, and serves until its standard input ends.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Threads(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request."""

    daemon_threads = True


if __name__ == "__main__":
    sys.path.insert(0, "")
    shop = import_module("shop")
    application = getattr(shop, "application", None) or shop.app
    with make_server("127.0.0.1", 0, application, Threads, WSGIRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()
