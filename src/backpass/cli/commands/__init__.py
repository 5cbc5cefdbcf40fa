"""Commands: one module for each subcommand, which is the function of the same name. ``root`` imports them by name."""
