"""Teaching: a network that learns from the predictions of another model, next to the target (distillation)."""
