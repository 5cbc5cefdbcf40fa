"""The playground: a page that trains a network on a table in the browser, and shows every step.

``playground`` makes the page, one HTML file that loads nothing. ``programs`` traces the training step, ``columns``
chooses the columns, ``reference`` computes the steps that the page compares itself with, ``page`` joins everything.
"""

from backpass.playground.page import playground

__all__ = ["playground"]
