"""Pack: candidates of different settings, raced on a table, and the best of them averaged."""
