"""The settings: every option of a fit, declared once, and the presets, named sets of defaults."""
