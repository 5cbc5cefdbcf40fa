"""Files: from a path or a pattern to plain files on disk of a known format, and queries over them."""
