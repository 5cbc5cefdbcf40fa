"""A page as tests look at it: read by a strict parser, and opened in a browser."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chromium import Browser

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
MOVE = """(index => {
  const slider = document.querySelectorAll('.control')[index].querySelector('input[type=range]');
  slider.value = %s;
  slider.dispatchEvent(new Event('input'));
  return document.getElementById('prediction').textContent;
})(%d)"""
VOID = {"meta", "link", "input", "br", "img", "hr"}


class Reader(HTMLParser):
    """What a page holds: its elements, and everything in it that a strict page must not have."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        if self.open:
            self.faults.append(f"not closed: {self.open}")

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for key, value in attributes:
            if key.startswith("on") or key == "style":
                self.faults.append(f"<{tag} {key}={value!r}>")
            if key in ("src", "href", "xlink:href", "action") and not str(value).startswith(("#", "data:,")):
                self.faults.append(f"<{tag} {key}={value!r}>")
            if key == "id":
                self.ids.append(str(value))
        if tag in ("img", "iframe", "object", "embed", "base"):
            self.faults.append(f"<{tag}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def opened(browser: Browser, text: str, folder: Path, **how: Any) -> Path:
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    browser.complaints.clear()
    browser.requests.clear()
    browser.open(path, **how)
    return path


def quiet_and_alone(browser: Browser, path: Path) -> bool:
    outside = [url for url in browser.requests if url != path.as_uri() and not url.startswith("data:,")]
    return not browser.complaints and not outside
