"""Projects of a place with their tasks, notes, ideas and weeks."""
