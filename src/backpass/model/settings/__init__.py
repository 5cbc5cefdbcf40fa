"""The settings: every option of a fit, declared once, and the presets, named sets of defaults.

Reading order: ``constraint`` and ``tuple_constraints`` (accepted values), ``setting`` (what a declaration holds),
``declarations`` (all of them), ``presets`` and ``defaults`` (values that the user does not set), ``settings``.
"""
