"""Assessment: how well models do that are trained on parts of a table, by the scores of the other parts."""
