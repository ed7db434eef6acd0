"""Documents as they were collected, what enriches entities, and analyses; and the content of files."""
