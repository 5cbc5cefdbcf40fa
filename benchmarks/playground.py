"""Playground: training steps a second in headless Chromium, of this build's page and of earlier ones.

Each page trains its network on the first 1,500 rows of the sample table: Adam steps of 8-16-16-1 with B = 32, and other
settings. The pages take turns, each in its own tab, and a ratio is the median over rounds. The time is the processor
time of the page's thread, so that other work on the machine hardly shows. ``--frames`` counts frames while a page
trains, the processor time of the page's thread per frame, and the milliseconds from opening it to its first five steps,
on the clock. An earlier page is what ``backpass play`` of that build writes. Prints a table, then one
JSON object per line:

    python benchmarks/playground.py --page before.html --rounds 9
"""

from __future__ import annotations

import argparse
import csv
import io
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from turns import conditions, print_records

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from chromium import Browser, chromium

ROWS, STEPS, SECONDS = 1_500, 4_000, 3.0
SETTINGS = {
    "relu, Adam": "{activation: 'relu', optimizer: 'adam'}",
    "relu, SGD": "{activation: 'relu', optimizer: 'sgd'}",
    "tanh, Adam": "{activation: 'tanh', optimizer: 'adam'}",
    "gelu, Adam": "{activation: 'gelu', optimizer: 'adam'}",
    "relu, Adam, dropout": "{activation: 'relu', optimizer: 'adam', dropout: 0.1}",
    "64-64 units, relu, Adam": "{m1: 64, m2: 64, activation: 'relu', optimizer: 'adam'}",
}


def sample_page() -> str:
    """The page of this build."""
    from backpass.datasets import sample_bytes
    from backpass.playground import playground

    rows = list(csv.DictReader(io.StringIO(sample_bytes("housing").decode("utf-8"))))[:ROWS]
    return playground({name: [float(row[name]) for row in rows] for name in rows[0]})


def steps_per_second(browser: Browser) -> float:
    """Steps a second of the page's thread."""
    before = thread_seconds(browser)
    browser.run(f"for (let i = 0; i < {STEPS}; i++) train(); 0")
    return STEPS / (thread_seconds(browser) - before)


def thread_seconds(browser: Browser) -> float:
    found = browser.call("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in found if each["name"] == "ThreadTime"))


def measured(pages: dict[str, Path], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Settings -> page -> steps a second, round by round."""
    found: dict[str, dict[str, list[float]]] = {name: {page: [] for page in pages} for name in SETTINGS}
    with tempfile.TemporaryDirectory() as folder, Browser(Path(folder)) as browser:
        tabs = {}
        for page, path in pages.items():
            tabs[page] = browser.tab()
            browser.call("Performance.enable", timeDomain="threadTicks")
            browser.open(path)
        for name, change in SETTINGS.items():
            for counted in range(-1, rounds):
                for page, session in tabs.items():
                    browser.session = session
                    browser.call("Page.bringToFront")
                    if counted < 0:
                        browser.run(f"change({{...DEFAULTS, ...{change}}}); for (let i = 0; i < 2000; i++) train(); 0")
                        continue
                    found[name][page].append(steps_per_second(browser))
    return found


def frames(path: Path) -> dict[str, float]:
    """Frames and steps a second while the page trains, and milliseconds from opening to the first five steps."""
    with tempfile.TemporaryDirectory() as folder, Browser(Path(folder)) as browser:
        browser.open(path)
        browser.run("globalThis.count = 0; const tick = () => { count++; requestAnimationFrame(tick); }; tick(); 0")
        browser.run("run(true); new Promise((done) => setTimeout(done, 1000))")
        browser.call("Performance.enable", timeDomain="threadTicks")
        before = thread_seconds(browser)
        begin = browser.run("count = 0; [performance.now(), model.trainer.steps]")
        browser.run(f"new Promise((done) => setTimeout(done, {1e3 * SECONDS}))")
        seconds, steps, count = browser.run(
            f"[(performance.now() - {begin[0]}) / 1e3, model.trainer.steps - {begin[1]}, count]"
        )
        drawing = thread_seconds(browser) - before
        first = browser.run("performance.getEntriesByName('first steps')[0]?.startTime ?? NaN")
    return {
        "frames_per_second": count / seconds,
        "steps_per_second": steps / seconds,
        "page_thread_ms_per_frame": 1e3 * drawing / count,
        "first_steps_ms": first,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=Path, action="append", default=[], help="a page of an earlier build")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--frames", action="store_true", help="frames a second and the time to the first steps, too")
    options = parser.parse_args()
    if chromium() is None:
        sys.exit("there is no chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.html"
        ours.write_text(sample_page(), "utf-8")
        pages = {"ours": ours, **{path.name: path for path in options.page}}
        found = measured(pages, options.rounds)
        records: list[dict[str, Any]] = []
        print(f"{'settings':26}" + "".join(f"{page:>24}" for page in pages) + f"{'ratio':>10}")
        for name, rates in found.items():
            medians = {page: statistics.median(each) for page, each in rates.items()}
            ratios = {
                page: statistics.median(a / b for a, b in zip(rates["ours"], rates[page], strict=True))
                for page in list(pages)[1:]
            }
            shown = "".join(f"{median:>24,.0f}" for median in medians.values())
            print(f"{name:26}{shown}" + "".join(f"{ratio:>10.1f}" for ratio in ratios.values()))
            records.append({"benchmark": "playground", "settings": name, "steps_per_second": medians, "ratios": ratios})
        if options.frames:
            records += [{"benchmark": "playground", "page": page, **frames(path)} for page, path in pages.items()]
        print_records([{**record, **conditions()} for record in records])


if __name__ == "__main__":
    main()
