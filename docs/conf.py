"""The pages: how Sphinx builds them from the Markdown beside this file and from the docstrings."""

project = "Backpass"
author = copyright = "The Backpass authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns: list[str] = []
html_theme = "furo"
html_title = "Backpass"
