"""What is said in the voice benchmark: plain words, no figures, so that texts can be compared."""

from __future__ import annotations

COMPLETE = (
    "What do you think about rainy mornings?",
    "I had a really good day at work today.",
    "Can you tell me something about the old harbour?",
    "My sister is coming to visit us next weekend.",
    "I would like to learn how to bake bread.",
    "Do you remember the name of that little village?",
    "The train was late again this morning.",
    "Please give me a good idea for dinner tonight.",
    "How are you feeling this evening?",
    "I cannot find my keys anywhere in the house.",
    "Where should we go for our next holiday?",
    "That was the best film I have seen this year.",
    "Could you explain how a sailing boat moves against the wind?",
    "I think the garden needs some water.",
    "What is your favourite song at the moment?",
    "We moved into a new flat last month.",
    "Why do cats always land on their feet?",
    "I forgot to call my mother on her birthday.",
    "Tell me what you would do with a free afternoon.",
    "The neighbours are building a small wooden fence.",
    "Is it better to read in the morning or at night?",
    "I am a little nervous about the meeting tomorrow.",
    "Who taught you to play chess so well?",
    "The soup tasted much better than I expected.",
    "Would you rather live in the mountains or by the sea?",
)

PAUSED = (
    ("I was thinking about the party and,", "I am not sure who we should invite."),
    ("Could you tell me,", "what the weather is like on the coast?"),
    ("Yesterday I went to the market,", "and bought some apples for the cake."),
    ("My brother wants to buy a boat because,", "he loves being out on the water."),
    ("I would really like to know,", "how you make your coffee so strong."),
    ("When we were on holiday in the mountains,", "we saw a fox outside the cabin."),
    ("So the thing about my job is,", "that nobody ever explains what to do."),
    ("If you had to choose between tea,", "and hot chocolate, which one would you take?"),
    ("The book you gave me was,", "one of the best I have read in years."),
    ("I looked everywhere for my glasses but,", "they were on my head the whole time."),
    ("Maybe on Sunday we could,", "walk along the river to the old mill."),
    ("Do you think that I should,", "tell her the truth about the letter?"),
    ("There is a new bakery near the,", "station that opens very early."),
    ("I wanted to ask you,", "whether you like living in the city."),
    ("For dinner we could have some rice,", "with the vegetables from the garden."),
)
PAUSES = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.5, 0.6, 0.7, 0.8)

SHORT = (
    "Yes.",
    "No.",
    "Hello.",
    "Okay.",
    "Why?",
    "Really?",
    "Thanks.",
    "Maybe.",
    "Sure.",
    "Good morning.",
)

STORIES = (
    "Tell me a long story about the sea.",
    "Please tell me a long story about a clock.",
    "I want to hear a long story about your garden.",
    "Tell me everything about the old library.",
)
BACK_CHANNELS = (
    "Mm-hmm.", "Yeah.", "Right.", "Okay.", "Uh huh.",
    "Oh.", "I see.", "Yes.", "Wow.", "Sure.",
    "Hm.", "Nice.", "Really?", "Ah.", "Great.",
    "Oh really?", "Okay.", "True.", "Yeah.", "Cool.",
)  # fmt: skip

INTERRUPTIONS = (
    "No wait, that is not what I meant.",
    "Hold on, I have another question.",
    "Actually, can we talk about something else?",
    "Stop.",
    "What time does the library open?",
    "But why did nobody help him?",
    "I already know that one, tell me about the river.",
    "Be quiet, please.",
    "Let me tell you what happened to me today.",
    "Excuse me, how long will this take?",
)
