"""Columns: from raw columns, as a reader returns them, to columns of a kind, decided over all rows."""
