"""The settings: every choice of a fit, declared once, and the presets that give them defaults."""
