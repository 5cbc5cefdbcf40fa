"""Presentation: how a value is shown, apart from what it is.

Takes strings as they stand in a source; returns them without tags and entities of HTML, quotation marks, invisible
characters, odd spaces, or with the digits of ASCII. It reads no numbers, dates or categories.

Reading order: spaces, scripts, markup, columns.
"""
