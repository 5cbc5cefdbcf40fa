"""The page: the text, tables, pictures and sliders of a report as one HTML file, with its style sheet and scripts."""
