"""The moto server as a process of its own: `python -m localcloud.aws.server --port 0 --ready-file FILE`.

Moto answers as AWS does, in memory. What it lacks is added by the `moto_*` modules beside this one when the service is
first asked for, so a start costs no more than moto's own.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
from pathlib import Path

from localcloud.aws.config import is_loopback


def main() -> None:
    """Serve until a signal. The ready file is written once connections are accepted, and never removed."""
    arguments = _arguments()
    if not is_loopback(f"http://{arguments.host}"):
        raise SystemExit(
            f"--host is {arguments.host}; the server has no authentication, so it must be 127.0.0.1 or ::1"
        )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    boot_id = secrets.token_hex(8)

    from werkzeug.serving import make_server

    from localcloud.aws.moto_app import Application, RequestHandler
    from localcloud.aws.permissions.deploying import standing
    from localcloud.aws.permissions.gate import Gate

    application = Application(boot_id, Gate(standing(arguments.names)))
    server = make_server(arguments.host, arguments.port, application, threaded=True, request_handler=RequestHandler)
    os.environ["MOTO_PORT"] = str(server.server_port)
    if arguments.ready_file:
        _announce(arguments.ready_file, server.server_port, boot_id)
    server.serve_forever()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="AWS on the loopback interface: moto with what it lacks")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--ready-file", type=Path, help="written as JSON {port, boot_id} once connections are accepted")
    parser.add_argument("--names", default="", help="what the names of buckets and roles of a deployment begin with")
    return parser.parse_args()


def _announce(ready_file: Path, port: int, boot_id: str) -> None:
    """Written beside and renamed, so that a waiting process never reads half of it."""
    partial = ready_file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({"port": port, "boot_id": boot_id}), encoding="utf-8")
    partial.replace(ready_file)


if __name__ == "__main__":
    main()
