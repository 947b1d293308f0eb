"""Ask a model the suites' questions and the held-out prompts of its lesson, and keep every answer as a row."""
