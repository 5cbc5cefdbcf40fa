"""Drawings: circuits and layers as SVG text.

picture   SVG text that a notebook shows, and the style of pictures
graph     a circuit as boxes and lines
layers    the layers of a network with the values of a backward pass
"""
