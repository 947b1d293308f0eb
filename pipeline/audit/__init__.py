"""Audit: people judge a sample of what was mined by hand. Above the lake and below the stages, so that any of them may read what people found."""
