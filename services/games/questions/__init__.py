"""Questions of trivia: their form, and those that are shipped."""

from services.games.questions.bank import QuestionBank
from services.games.questions.form import (
    CATEGORIES,
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    MOST_QUESTIONS,
    Difficulty,
    Question,
    QuestionSource,
    Wish,
    checked_wish,
)

__all__ = [
    "CATEGORIES",
    "LONGEST_ANSWER",
    "LONGEST_QUESTION",
    "MOST_QUESTIONS",
    "Difficulty",
    "Question",
    "QuestionBank",
    "QuestionSource",
    "Wish",
    "checked_wish",
]
