"""Checks: what a fit is held against, the backtest of its intervals and the lookups that it has to beat."""
