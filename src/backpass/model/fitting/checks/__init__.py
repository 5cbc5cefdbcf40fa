"""Checks: the backtest of a fit's intervals, the lookups that it has to beat, and whether a file can hold its model."""
