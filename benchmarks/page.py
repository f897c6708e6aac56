"""How the report bears many calls, held against the same calls as a plain HTML table: ``python benchmarks/page.py [20000 100000]``.

Takes reports/results.jsonl of a full run and repeats its calls. Prints bytes a call, the time until the first row is drawn in headless
Chromium, and the ratio of that time to the plain table's, the smaller the better.
"""

import html
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from rendering import RECORDS, repeated

from tf_conv_conformance.merging import single
from tf_conv_conformance.report.page import write
from tf_conv_conformance.results import Records, read


def plain(records: Records, path: Path) -> None:
    """The peer: a row of text for each call, and nothing that could be done with it."""
    rows = (
        f"<tr class=row><td>{html.escape(key)}<td>{end['verdict']}<td>{html.escape(end['reason'])}" for key, end in records.ends.items()
    )
    path.write_text("<!doctype html><meta charset=utf-8><table>" + "\n".join(rows) + "</table>", encoding="utf-8")


def seconds_to_open(browser, path: Path) -> float:
    page = browser.new_page()
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector(".row")
    took = time.perf_counter() - began
    page.close()
    return took


def main() -> None:
    records = read(RECORDS)
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        for count in map(int, sys.argv[1:] or ["20000", "100000"]):
            many = repeated(records, count)
            ours, peer = Path(folder, "ours.html"), Path(folder, "peer.html")
            began = time.perf_counter()
            write([single("records", many)], ours)
            rendered = time.perf_counter() - began
            plain(many, peer)
            opened, table = (min(seconds_to_open(browser, path) for _ in range(3)) for path in (ours, peer))
            print(f"{count:,} calls: {ours.stat().st_size / count:.0f} bytes a call, rendered in {rendered:.1f} s, opens in {opened:.2f} s")
            print(f"    a plain table: {peer.stat().st_size / count:.0f} bytes a call, {table:.2f} s: ratio {opened / table:.2f}")
        browser.close()


if __name__ == "__main__":
    main()
