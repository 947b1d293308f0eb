"""Mix: from all pairs kept up to a day to one lesson, every row of it counted."""
