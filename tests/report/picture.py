"""``python -m tests.report.picture``: docs/pictures/pull-request.png, the golden comment as GitHub would show it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).resolve().parent.parent.parent
GOLDEN: Final = Path(__file__).parent / "golden" / "everything.md"
PICTURE: Final = ROOT / "docs" / "pictures" / "pull-request.png"
SIZE: Final = "980,990"
STYLE: Final = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1f2328; margin: 24px; max-width: 920px }
table { border-collapse: collapse; margin: 8px 0 16px } th, td { border: 1px solid #d1d9e0; padding: 5px 12px }
th { background: #f6f8fa } code { background: #eff1f3; padding: 2px 5px; border-radius: 5px; font-size: 12px }
blockquote { border-left: 4px solid #d1242f; margin: 8px 0; padding: 2px 14px; background: #fff5f5 }
h3 { border-bottom: 1px solid #d1d9e0; padding-bottom: 5px } a { color: #0969da; text-decoration: none }
summary { cursor: pointer } details { margin: 6px 0 }
"""


def page() -> str:
    """The comment as HTML, with the first fold open."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(GOLDEN.read_text())
    opened = body.replace("<details><summary>prod: replace", "<details open><summary>prod: replace", 1)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{opened}"


def main() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not on PATH; fix: apt-get install chromium")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder) / "comment.html"
        html.write_text(page())
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        command += [f"--window-size={SIZE}", "--hide-scrollbars", f"--screenshot={PICTURE}", html.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    print(PICTURE)


if __name__ == "__main__":
    main()
