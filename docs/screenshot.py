"""Make docs/report.png, the README's picture, from reports/index.html with a headless Chromium:
``python docs/screenshot.py``.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
QUIET = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> int:
    """Take the picture; 1 where there is no browser or no report."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    page = ROOT / "reports/index.html"
    if browser is None or not page.exists():
        print("needs Chromium and reports/index.html: run pytest cases first", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            *QUIET,
            "--no-sandbox",
            f"--user-data-dir={profile}",
            "--hide-scrollbars",
            "--window-size=1500,1180",
        ]
        subprocess.run(
            [*command, f"--screenshot={ROOT / 'docs/report.png'}", page.as_uri()],
            check=True,
            capture_output=True,
            timeout=60,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
