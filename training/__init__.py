"""Training, evaluation and export of the networks that the model zoo serves."""
