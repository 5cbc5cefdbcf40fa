"""Databases: tables in files of DuckDB and SQLite, and on a PostgreSQL server.

``address`` splits what names a database and a table in it; ``tables`` chooses the table.
"""
