"""Addresses: the file, or the database server, and the sheet or table in it that the user names.

Takes a path as the user writes it: ``data.csv``, ``book.xlsx::Sheet1``, ``sqlite:///shop.db::orders``,
``postgresql://user@host/shop::public.orders``. A path that exists stands for itself, even with ``::`` in its name.
"""

from __future__ import annotations

from pathlib import Path

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.table.notation.lazy_pattern import LazyPattern

SERVERS = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"
SCHEME = LazyPattern(r"[A-Za-z][A-Za-z0-9+.-]*://")
SEPARATOR = "::"
PASSWORD = LazyPattern(r"(?<=://)([^/@:]*):[^/@]*@|(?<=[?&]password=)[^&]*")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table is.

    Attributes:
        file: Path of the file; empty for a server.
        url: Address of a server; empty for a file.
        member: Name of the sheet or table; None if the user names none.
    """

    file: str
    url: str = ""
    member: str | None = None

    @classmethod
    def of(cls, path: str | Path) -> Address:
        """Parse a path.

        Raises:
            UsageError: The address is of a kind that cannot be read.

        >>> Address.of("shop.db::orders")
        Address(file='shop.db', url='', member='orders')
        >>> Address.of("sqlite:////data/shop.db").file
        '/data/shop.db'
        """
        text = str(path)
        file, member = _split(text)
        scheme = SCHEME.match(text)
        if scheme is None or _exists(text):
            return cls(file, "", member)
        if text.startswith(SERVERS):
            return cls("", file, member)
        if text.startswith(SQLITE):
            return cls(file.removeprefix(SQLITE), "", member)
        known = f"files, {SQLITE}FILE and {SERVERS[0]}USER@HOST/DATABASE can be read"
        raise UsageError(f"{scheme[0]} is not the address of a table that can be read", hint=known)

    @property
    def shown(self) -> str:
        """The address in messages: without a password, and without the member.

        >>> Address.of("postgresql://ada:secret@host/shop").shown
        'postgresql://ada:***@host/shop'
        """
        return without_password(self.url) if self.url else self.file


def without_password(url: str) -> str:
    """Return a URL with its password replaced."""
    return PASSWORD.sub(lambda found: "***" if found[1] is None else f"{found[1]}:***@", url)


def _split(text: str) -> tuple[str, str | None]:
    """Return the path and the member, None if there is none."""
    before, separator, member = text.rpartition(SEPARATOR)
    if not separator or not before or not member or _exists(text):
        return text, None
    return before, member


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False
