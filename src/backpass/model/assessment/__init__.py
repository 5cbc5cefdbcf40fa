"""Assessment: cross-validation, the scores of models on the rows that they were not trained on."""
