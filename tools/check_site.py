"""Check the built pages: links lead somewhere, no markup is left, nothing is loaded from elsewhere, the search works.

    python tools/check_site.py build/docs

Reads the finished folder alone; needs no network. Ends with 1 and a list if something is wrong. Where there is a
Chromium, it also opens the search page from disk and looks at the first hit.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

SEARCHES = {
    "check_gradient": "reference/api/calculus.html#backpass.check_gradient",
    "--ensemble-size": "reference/command-line.html#cmdoption-backpass-fit-ensemble-size",
    "ensemble_size": "reference/settings.html",
    "3.12": "reference/items.html",
}
"""Query -> the page, or the place on it, that comes first."""

DIRECTIVE = re.compile(r"\s*(?:\.\. [\w-]+::|:::+\s*\{)|[^$]*\$[^$]*\\[a-z]{2}")
"""Markup of a directive, or TeX behind a dollar sign; as text of a page it was not understood."""


class Page(HTMLParser):
    """The links, the anchors and the loaded files of a page, and markup that is left in its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.markup: list[str] = []
        self.code = 0
        self.feed(text)

    def handle_data(self, data: str) -> None:
        if not self.code and DIRECTIVE.match(data):
            self.markup.append(data.strip().partition("\n")[0])

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in ("pre", "code", "script", "style")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.code += tag in ("pre", "code", "script", "style")
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])
        if tag in ("img", "script", "iframe", "source", "video", "audio") and "src" in found:
            self.loaded.append(found["src"])
        if tag == "object" and "data" in found:
            self.loaded.append(found["data"])


def problems(site: Path) -> list[str]:
    """Everything that is wrong with the pages, one line each."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site}: no pages"]
    for path, page in pages.items():
        name = path.relative_to(site)
        found.extend(f"{name}: loads {url}" for url in page.loaded if is_elsewhere(url))
        found.extend(f"{name}: markup in the text: {line}" for line in page.markup)
        inside = [url for url in (*page.links, *page.loaded) if not is_elsewhere(url)]
        found.extend(f"{name}: {url}: {why}" for url in inside if (why := broken(path, url, pages)))
    for style in sorted(site.rglob("*.css")):
        text = style.read_text("utf-8")
        if "url(http" in text or "@import" in text:
            found.append(f"{style.relative_to(site)}: loads something from elsewhere")
    return found


def is_elsewhere(url: str) -> bool:
    """Whether a URL leaves the folder."""
    parts = urlsplit(url)
    return parts.scheme not in ("", "data") or bool(parts.netloc)


def broken(path: Path, url: str, pages: dict[Path, Page]) -> str:
    """Why an internal link leads nowhere; empty if it leads somewhere."""
    parts = urlsplit(url)
    if parts.scheme == "data":
        return ""
    target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)  # with "=" it is a state of the playground
    if anchor and "=" not in anchor and target in pages and anchor not in pages[target].anchors:
        return "no such anchor"
    return ""


def missing_terms(site: Path) -> list[str]:
    """The queries of ``SEARCHES`` that the index of the search does not have as an entry."""
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    return [f"search: {query!r} is no entry of the index" for query in SEARCHES if query not in index["indexentries"]]


def first_hit(browser: str, site: Path, query: str) -> str:
    """What the search page of the folder, opened from disk, shows first."""
    url = f"{(site / 'search.html').as_uri()}?q={quote(query)}"
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--virtual-time-budget=20000", "--dump-dom", url]
        page = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    results = page.partition('<ul role="list" class="search"')[2] or page.partition('class="search"')[2]
    links = Page(results).links
    return unquote(links[0]) if links else ""


def wrong_hits(site: Path) -> list[str]:
    """The queries whose first hit is another place, as a browser finds it; nothing without a browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        return []
    hits = {query: first_hit(browser, site, query) for query in SEARCHES}
    return [
        f"search: {query!r} finds {hit!r} first" for query, hit in hits.items() if not hit.startswith(SEARCHES[query])
    ]


def main(site: Path) -> int:
    found = [*problems(site), *missing_terms(site)]
    found = found or wrong_hits(site)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
