"""Options: how the options of the command line are declared, parsed and written to a TOML file.

``declaration`` holds the kinds of options and those of every command, ``data`` those that name columns, rows and the
model file, ``reading`` those that describe how a table is parsed, ``settings`` one for each training setting,
``config`` the TOML file of ``--config`` and ``--print-config``.
"""
