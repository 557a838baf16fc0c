"""Everyday requests of our own writing: half need a tool, half are talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody says, the tools that serve it (none: it is talk), what arguments must hold."""

    said: str
    tools: frozenset[str] = frozenset()
    holds: str = ""


def needs(said: str, tools: str, holds: str = "") -> Asked:
    return Asked(said, frozenset(tools.split()), holds)


def talk(said: str) -> Asked:
    return Asked(said)


TUNING: Sequence[Asked] = (
    needs("What time is it in Tokyo right now?", "time_in_zone current_time", "tokyo"),
    needs("What's the date today?", "current_date current_time"),
    needs("How many days are left until Christmas?", "time_until", "12-25"),
    needs("What is 348 times 27?", "calculate", "348"),
    needs("The bill is 64 euros, how much is a 15% tip?", "percentage calculate", "64"),
    needs("Convert 12 miles to kilometers", "convert_distance convert_units", "12"),
    needs("My oven shows 400 degrees Fahrenheit, what is that in Celsius?", "convert_temperature"),
    needs("Please roll 2d6 for me", "roll_dice", '"2d6"'),
    needs("Flip a coin for us", "random_choice random_number roll_dice"),
    needs("Set a reminder in 20 minutes to take the bread out", "create_reminder", "20 min"),
    needs("Erinnere mich morgen um 9 Uhr an die Wäsche", "create_reminder", "9"),
    needs("Which reminders do I have?", "list_reminders"),
    needs("Write a note: the wifi code is on the fridge", "add_note", "fridge"),
    needs("Put milk and eggs on my shopping list", "add_to_list", "milk"),
    needs("What is still on the packing list?", "show_list", "packing"),
    needs("What's the weather like in Oslo tomorrow?", "weather", "oslo"),
    needs("Look up who won the Tour de France this year", "web_search", "tour"),
    needs("How much are 50 dollars in euros?", "convert_currency", "50"),
    needs("Show me the projects we have", "get_projects"),
    needs("Can you count the words in this: the quick brown fox jumps", "count_words", "fox"),
    talk("Good morning! Did you sleep well?"),
    talk("I had a rough day at work, everybody wanted something from me."),
    talk("What do you think about people who never take a day off?"),
    talk("*sits down next to you by the window* It's so quiet here."),
    talk("Tell me a short story about a lighthouse keeper."),
    talk("My weekend was lovely, we went hiking and got completely soaked."),
    talk("I love playing dice with my grandfather, he always cheats."),
    talk("Do you ever make notes about the people you meet?"),
    talk("My boss reminds me of a grumpy owl."),
    talk("I've been running late all the time since we moved."),
    talk("Is it weird that I like rainy weather more than sunshine?"),
    talk("You have such a good memory, I never remember birthdays."),
    talk("I finally finished my big project, I'm so relieved!"),
    talk("She is one in a million, truly."),
    talk("Ich glaube, ich habe heute schlechte Laune."),
    talk("What would you do with a million dollars?"),
    talk("haha that was hilarious"),
    talk("*draws my sword* Stand back, the beast is mine!"),
    talk("My to-do list never ends and it makes me sad."),
    talk("Do you believe in luck, or is everything just chance?"),
)
"""What descriptions, wording and thresholds were tried on."""

CONFIRMING: Sequence[Asked] = (
    needs("How late is it in New York?", "time_in_zone current_time", "new"),
    needs("Wie spät ist es gerade?", "current_time time_in_zone"),
    needs("Which weekday is 2027-03-14?", "weekday", "2027-03-14"),
    needs("Can you work out (125 + 75) / 8 for me?", "calculate", "125"),
    needs("How much is 30 percent of 250?", "percentage calculate", "250"),
    needs("I'm 180 cm tall, how much is that in feet?", "convert_distance convert_units", "180"),
    needs("Wie viel sind 5 Pfund in Kilogramm?", "convert_weight convert_units", "5"),
    needs("Roll a d20 for my attack!", "roll_dice", "20"),
    needs("Pick one for me: pizza, sushi or tacos", "random_choice", "sushi"),
    needs("Remind me at 6pm to call the dentist", "create_reminder", "dentist"),
    needs("Wake me tomorrow at 7am please", "create_reminder", "7"),
    needs("Cancel reminder 3", "cancel_reminder", "3"),
    needs("Note down that Lena's birthday is on May 4th", "add_note", "lena"),
    needs("Find my note about the garage door", "search_notes", "garage"),
    needs("Schreib Brot und Käse auf die Einkaufsliste", "add_to_list", "brot"),
    needs("Do I need an umbrella in Hamburg today?", "weather", "hamburg"),
    needs("Search the web for the newest Mars rover pictures", "web_search", "mars"),
    needs("What does 100 GBP make in US dollars?", "convert_currency", "100"),
    needs("Read https://example.org/soup and tell me what it says", "fetch_webpage", "example.org"),
    needs("Give me a random number between 1 and 50", "random_number", "50"),
    talk("Hey, how are you doing today?"),
    talk("I miss my cat. She used to sleep on my keyboard."),
    talk("Which season do you like best, and why?"),
    talk("*hands you a warm cup of tea* Careful, it's hot."),
    talk("Let's play that we are pirates looking for an island."),
    talk("I think my neighbour is avoiding me and I don't know why."),
    talk("Time flies when I talk to you."),
    talk("I lost my notebook, years of poems are gone."),
    talk("Remember when we talked about the sea? That was nice."),
    talk("The weather between my parents and me is a bit frosty."),
    talk("My list of regrets is shorter than yours, I bet."),
    talk("I weigh my words carefully around her."),
    talk("What's your opinion on pineapple pizza?"),
    talk("We made a note of love on the fridge, so silly."),
    talk("Mir ist heute so langweilig, erzähl mir was Schönes."),
    talk("I don't care about money, I want to be happy."),
    talk("You're the best, thank you for listening!"),
    talk("*rolls my eyes* You always say that."),
    talk("He searched for the right words all evening."),
    talk("How long have you been in love with gardening?"),
)
"""What nothing was tuned on."""
