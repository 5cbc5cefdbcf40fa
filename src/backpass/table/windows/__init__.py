"""Windows: rows of a table in windows, so that a table of any length is read in constant memory."""
