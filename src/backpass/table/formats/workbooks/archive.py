"""Zip archives: the size of a packed workbook when unpacked, checked against the limit of other compressed files.

Takes a file; returns a number of bytes. Every member is unpacked once, because the sizes that an archive states may be
wrong. ``decompression`` has the limits.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from backpass.table.files.decompression import CHUNK, limit_of, too_long
from backpass.table.messages import data_error


def checked_size(file: Path, source: str, max_bytes: int | None) -> int:
    """Return the size of all members of a zip archive, unpacked.

    Args:
        file: The archive.
        source: Its name in messages.
        max_bytes: Size limit in bytes; None applies the usual one.

    Raises:
        DataError: The archive is damaged or encrypted, or its members are longer than the limit.
    """
    limit, size = limit_of(file, max_bytes), 0
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    while chunk := stream.read(CHUNK):
                        size += len(chunk)
                        if size > limit:
                            raise too_long(file, source, limit)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise data_error(source, f"is a damaged zip archive ({error})") from error
    except RuntimeError:  # zipfile's error for a member that needs a password
        raise data_error(source, "is encrypted with a password", "save it without one, or as CSV") from None
    return size
