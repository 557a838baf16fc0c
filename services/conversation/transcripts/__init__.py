"""Conversations as files: taken out, and taken in as imported text without authority."""
