"""Free text: columns of sentences, recognized, counted by words and encoded as a few numbers per row."""
