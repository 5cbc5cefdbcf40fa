"""Timestamp notations: month names, 12-hour clocks, quarters, epoch seconds, spreadsheet serials, durations.

``timestamp`` reads ISO 8601, ``day_month`` dates that need a known order; other modules read what else people write.
Strings whose notation is unambiguous are read by ``written``; numbers that count time, such as 20240131 and
1706659200, by ``counted``, which needs evidence from the whole column; spans such as 26:30:00 by ``span``.

Reading order: calendar, timestamp, duration, day_month, date_components, month_names, evidence, written, counted, span,
strings, columns.
"""
