"""Distillation: one small network that predicts like a model of many networks."""
