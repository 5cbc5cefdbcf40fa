"""The fitting: from a table and settings to a trained model."""
