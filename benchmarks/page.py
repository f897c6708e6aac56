"""How the report's page bears many calls: ``python benchmarks/page.py [PAGE]``.

Takes the record file of a full run, reports/results.jsonl, and repeats its calls. The peer is a
plain HTML table of the same calls. Opened is a page when headless Chromium has drawn its first row.
Needs the extra test, and Chromium.
"""

import html
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from rendering import RECORDS, repeated
from section import parser, publish, table

from tf_conv_conformance.records.merge import merge, sole
from tf_conv_conformance.records.reader import Records, read
from tf_conv_conformance.report.page import write

COUNTS = (5_000, 20_000, 100_000)
HEAD = (
    "calls",
    "rendered in",
    "bytes a call",
    "of the plain table",
    "opens in",
    "the plain table",
    "ratio",
)


def plain(records: Records, path: Path) -> None:
    """The peer: a row of text for each call, and nothing that could be done with it."""
    rows = (
        f"<tr class=row><td>{html.escape(key)}<td>{end['verdict']}<td>{html.escape(end['reason'])}"
        for key, end in records.ends.items()
    )
    path.write_text(
        "<!doctype html><meta charset=utf-8><table>" + "\n".join(rows) + "</table>",
        encoding="utf-8",
    )


def seconds_to_open(browser, path: Path) -> float:
    page = browser.new_page()
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector(".row")
    took = time.perf_counter() - began
    page.close()
    return took


def measured(browser, records: Records, folder: Path) -> list[str]:
    """The row of these records: the page and its peer."""
    ours, peer = folder / "ours.html", folder / "peer.html"
    began = time.perf_counter()
    write([sole("records", merge([("records", records)], partial=True))], ours)
    rendered = time.perf_counter() - began
    plain(records, peer)
    times = [min(seconds_to_open(browser, path) for _ in range(3)) for path in (ours, peer)]
    count = len(records.calls)
    sizes = (f"{path.stat().st_size / count:.0f}" for path in (ours, peer))
    opened = (f"{seconds:.2f} s" for seconds in times)
    return [f"{count:,}", f"{rendered:.1f} s", *sizes, *opened, f"{times[0] / times[1]:.2f}"]


def main() -> None:
    given, records = parser(__doc__).parse_args(), read(RECORDS)
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        rows = [measured(browser, repeated(records, count), Path(folder)) for count in COUNTS]
        browser.close()
    publish(__file__, [table(HEAD, rows)], given.page)


if __name__ == "__main__":
    main()
