"""The pages: how Sphinx builds them from the Markdown beside this file and from the declarations of the source.

Backpass is read from ``src``; its compiled core is not needed.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE / "_extensions"), str(HERE.parent / "tools")]

import backpass  # noqa: E402  the path comes first

project = "Backpass"
author = copyright = "The Backpass authors"
version = release = backpass.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    # of our own, in _extensions
    "command_line",
    "docstrings",
    "formats_table",
    "lessons",
    "mathml",
    "notes_items",
    "operations_list",
    "playground_page",
    "public_names",
    "search_terms",
    "settings_table",
    "source_links",
]
exclude_patterns = ["_extensions"]
rst_prolog = ".. |br| raw:: html\n\n   <br>\n"

smartquotes = False  # quotation marks are mostly those of values

myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_dmath_allow_digits = False  # $42,000 is an amount
myst_dmath_allow_space = False
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True

copybutton_exclude = ".linenos, .gp, .go"  # neither prompts nor what is printed

pygments_style = "default"
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = "Backpass"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/mark.svg"
html_copy_source = False
html_show_sphinx = False
_COLORS = {  # those of the report page, src/backpass/reporting/page/palette.css
    "light": ("#ffffff", "#f6f7f9", "#1b2430", "#5c6773", "#e4e8ed", "#0b6bb8"),
    "dark": ("#12161b", "#1a2027", "#e8ecf0", "#9aa6b3", "#2a323b", "#5aa9ea"),
}


def _variables(paper: str, raised: str, ink: str, muted: str, line: str, accent: str) -> dict[str, str]:
    return {
        "font-stack": 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif',
        "font-stack--monospace": 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
        "color-foreground-primary": ink,
        "color-foreground-secondary": muted,
        "color-foreground-muted": muted,
        "color-foreground-border": line,
        "color-background-primary": paper,
        "color-background-secondary": paper,
        "color-background-hover": raised,
        "color-background-border": line,
        "color-code-background": raised,
        "color-code-foreground": ink,
        "color-inline-code-background": raised,
        "color-brand-primary": accent,
        "color-brand-content": accent,
        "color-brand-visited": accent,
        "color-api-name": accent,
        "color-api-pre-name": muted,
        "color-api-keyword": muted,
        "color-api-background": raised,
        "color-api-background-hover": raised,
        "color-sidebar-background": raised,
        "color-sidebar-search-background": paper,
        "color-card-background": paper,
        "color-card-border": line,
    }


html_theme_options = {
    "light_logo": "mark.svg",
    "dark_logo": "mark.svg",
    "light_css_variables": _variables(*_COLORS["light"]),
    "dark_css_variables": _variables(*_COLORS["dark"]),
}
