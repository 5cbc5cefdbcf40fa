"""Pictures: the numbers of a report drawn on matplotlib axes, and the drawing of a network as SVG."""
