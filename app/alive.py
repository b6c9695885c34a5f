"""`python -m app.alive`: the image's health check, exit code 0 while the process answers on PORT.

The standard library alone, because a container runs this every half minute beside the service.
"""

import os
import sys
import urllib.request
from urllib.error import URLError

SECONDS = 5.0


def alive(port: int) -> bool:
    """True if /health is answered with 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=SECONDS) as reply:
            return bool(reply.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if alive(int(os.environ.get("BACKEND_PORT") or os.environ.get("PORT", "8000"))) else 1)
