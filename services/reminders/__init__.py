"""Reminders: what people want to be told, and when."""
