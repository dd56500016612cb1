"""Is the ranking good: questions with known answers, and the measures of the field."""
