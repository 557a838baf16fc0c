"""English words the rules share: verbs, relations, pets, dates, and putting phrases in order."""

from __future__ import annotations

import re

from services.memory.learning.rules.patterns import Pattern

VERBS = [
    "live",
    "reside",
    "work",
    "study",
    "teach",
    "like",
    "love",
    "hate",
    "adore",
    "enjoy",
    "prefer",
    "detest",
    "despise",
    "dislike",
    "loathe",
    "play",
    "speak",
    "drive",
    "own",
    "collect",
    "paint",
    "draw",
    "knit",
    "bake",
    "cook",
    "garden",
    "hike",
    "climb",
    "run",
    "swim",
    "cycle",
    "dance",
    "sing",
    "write",
    "read",
    "ride",
    "surf",
    "ski",
    "skate",
    "brew",
    "sew",
    "crochet",
    "eat",
    "drink",
    "smoke",
    "wear",
    "need",
    "want",
    "come",
    "hail",
    "attend",
    "major",
    "volunteer",
    "suffer",
    "use",
    "keep",
    "breed",
    "grow",
    "make",
    "do",
    "go",
    "get",
    "take",
    "practise",
    "practice",
    "raise",
    "lead",
    "manage",
    "build",
    "code",
    "develop",
    "stream",
    "tutor",
    "coach",
    "train",
    "jog",
    "box",
    "fence",
    "fish",
    "hunt",
    "travel",
    "row",
    "sail",
    "can",
    "fear",
    "follow",
    "support",
    "commute",
    "vape",
    "call",
    "name",
    "turn",
    "share",
    "wake",
    "watch",
    "listen",
    "visit",
    "meet",
    "sleep",
    "walk",
    "tend",
    "start",
]
PAST = [
    "was",
    "were",
    "had",
    "moved",
    "lived",
    "worked",
    "studied",
    "grew",
    "got",
    "bought",
    "started",
    "stopped",
    "quit",
    "used",
    "became",
    "adopted",
    "retired",
    "graduated",
    "broke",
    "gave",
    "switched",
    "went",
    "took",
    "visited",
    "married",
    "divorced",
    "left",
    "lost",
    "turned",
    "sold",
    "relocated",
    "settled",
    "named",
    "born",
    "learned",
    "learnt",
    "taught",
    "owned",
    "played",
    "won",
    "finished",
    "published",
    "joined",
    "wanted",
    "changed",
    "dropped",
    "returned",
    "passed",
    "died",
]


def _third(verb: str) -> str:
    if verb == "can":
        return verb
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"


THIRD = {_third(verb): verb for verb in VERBS} | {"is": "am", "are": "am", "has": "have"}
THIRD |= {"does": "do", "were": "was"}
_BASE_FORMS = (*VERBS, "am", "have", "do not", "does not", "don't", "doesn't", "can't", "cannot")
VERB_FORMS = "|".join(sorted({*_BASE_FORMS, *THIRD, *PAST, "will"}, key=len, reverse=True))

RELATIONS: dict[str, str] = {
    "mother": "mother mom mum mama mummy mommy ma",
    "father": "father dad papa daddy pa",
    "parents": "parents folks",
    "sister": "sister sis",
    "brother": "brother bro",
    "sibling": "sibling twin",
    "son": "son",
    "daughter": "daughter",
    "child": "child kid baby toddler",
    "husband": "husband hubby",
    "wife": "wife",
    "partner": "partner spouse significant-other so",
    "boyfriend": "boyfriend bf",
    "girlfriend": "girlfriend gf",
    "fiance": "fiance fiancee fianc\u00e9 fianc\u00e9e",
    "ex": "ex ex-husband ex-wife ex-boyfriend ex-girlfriend",
    "aunt": "aunt auntie",
    "uncle": "uncle",
    "cousin": "cousin",
    "niece": "niece",
    "nephew": "nephew",
    "grandmother": "grandmother grandma granny nana gran nan",
    "grandfather": "grandfather grandpa grandad granddad gramps",
    "grandson": "grandson",
    "granddaughter": "granddaughter",
    "stepmother": "stepmother stepmom stepmum",
    "stepfather": "stepfather stepdad",
    "stepsister": "stepsister half-sister",
    "stepbrother": "stepbrother half-brother",
    "mother_in_law": "mother-in-law",
    "father_in_law": "father-in-law",
    "sister_in_law": "sister-in-law",
    "brother_in_law": "brother-in-law",
    "best_friend": "bestie",
    "friend": "friend buddy mate pal",
    "roommate": "roommate flatmate housemate",
    "neighbour": "neighbour neighbor",
    "boss": "boss manager supervisor",
    "colleague": "colleague coworker co-worker workmate",
    "teacher": "teacher professor tutor supervisor",
    "doctor": "doctor gp dentist therapist psychologist",
    "mentor": "mentor coach trainer",
    "landlord": "landlord landlady",
    "godmother": "godmother",
    "godfather": "godfather",
    "crush": "crush",
}
RELATION_OF = {word: name for name, words in RELATIONS.items() for word in words.split()}
RELATION_OF |= {
    "sisters": "sister",
    "brothers": "brother",
    "sons": "son",
    "daughters": "daughter",
    "children": "child",
    "kids": "child",
    "twins": "child",
    "friends": "friend",
    "cousins": "cousin",
    "grandparents": "grandparents",
    "siblings": "sibling",
    "nieces": "niece",
    "nephews": "nephew",
    "roommates": "roommate",
    "grandkids": "grandchild",
    "grandchildren": "grandchild",
}
PETS = [
    "dog",
    "puppy",
    "pup",
    "doggo",
    "cat",
    "kitten",
    "kitty",
    "hamster",
    "gerbil",
    "rabbit",
    "bunny",
    "parrot",
    "budgie",
    "parakeet",
    "bird",
    "horse",
    "pony",
    "mare",
    "fish",
    "goldfish",
    "turtle",
    "tortoise",
    "snake",
    "gecko",
    "lizard",
    "ferret",
    "rat",
    "mouse",
    "chicken",
    "hen",
    "rooster",
    "duck",
    "goose",
    "goat",
    "pig",
    "sheep",
    "cow",
    "axolotl",
    "hedgehog",
    "cockatiel",
    "canary",
    "iguana",
    "frog",
    "tarantula",
    "donkey",
    "llama",
    "alpaca",
    "labrador",
    "lab",
    "beagle",
    "poodle",
    "corgi",
    "husky",
    "dachshund",
    "terrier",
    "retriever",
    "shepherd",
    "bulldog",
    "pug",
    "collie",
    "spaniel",
    "siamese",
    "persian",
    "tabby",
    "chihuahua",
    "greyhound",
    "rottweiler",
    "dalmatian",
    "whippet",
    "mutt",
    "chinchilla",
    "python",
    "cockatoo",
    "macaw",
    "betta",
    "crab",
    "pet",
]
PETS_PLURAL = {f"{pet}s": pet for pet in PETS} | {
    "puppies": "puppy",
    "kitties": "kitty",
    "mice": "mouse",
    "guinea pigs": "guinea pig",
    "fish": "fish",
    "bunnies": "bunny",
    "ponies": "pony",
    "huskies": "husky",
    "geese": "goose",
    "canaries": "canary",
}
SPECIES = {
    "puppy": "dog",
    "pup": "dog",
    "doggo": "dog",
    "kitten": "cat",
    "kitty": "cat",
    "bunny": "rabbit",
    "pony": "horse",
    "mare": "horse",
    "hen": "chicken",
    "siamese": "cat",
    "persian": "cat",
    "tabby": "cat",
    "goldfish": "fish",
    "betta": "fish",
} | dict.fromkeys(
    [
        "labrador",
        "lab",
        "beagle",
        "poodle",
        "corgi",
        "husky",
        "dachshund",
        "terrier",
        "retriever",
        "shepherd",
        "bulldog",
        "pug",
        "collie",
        "spaniel",
        "chihuahua",
        "greyhound",
        "rottweiler",
        "dalmatian",
        "whippet",
        "mutt",
    ],
    "dog",
)
RELATION = "|".join(sorted(map(re.escape, RELATION_OF), key=len, reverse=True))
PET = "guinea pig|" + "|".join(sorted(PETS, key=len, reverse=True))
PET_MANY = "|".join(sorted(PETS_PLURAL, key=len, reverse=True))
KIN = (
    r"(?:(?:two|three|four|five|six|\d|younger|older|little|big|baby|"
    r"elder|eldest|oldest|youngest|middle|only|twin|late|dear|"
    r"other|new|old|first|second|best|good|close|closest|oldest|childhood|former|school|dear|"
    r"step|half|adopted|beloved|lovely|amazing)[ -])*"
)
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
WEEKDAY = r"(?:mon|tues?|wednes|thurs?|fri|satur|sun)day"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WRITTEN_DAY = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|"
    r"twenty-\w+|thirtieth|thirty-first|last day)"
)
DATE = (
    rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}(?:[./]\d{{2,4}})?"
    rf"|(?:the )?(?:{_DAY}|{_WRITTEN_DAY})(?: of)? {MONTH}(?:,? \d{{4}})?"
    rf"|(?:early |late |mid-?\s?)?{MONTH}(?: the)?(?: (?:{_DAY}\b|{_WRITTEN_DAY}\b)"
    rf")?(?:,? \d{{4}})?"
    rf"|(?:this |next |the |on )?{WEEKDAY}(?: (?:morning|afternoon|evening|night|week))?"
    rf"|the {_DAY}\b|tomorrow|tonight|next (?:week|month|year|spring|summer|autumn|fall|winter|"
    rf"weekend|semester|term)|this (?:weekend|spring|summer|autumn|fall|winter|month|year|"
    rf"christmas|easter)|(?:the end of )?(?:spring|summer|autumn|winter|christmas|easter|new year|"
    rf"halloween|thanksgiving)(?:'s)?(?: \d{{4}})?|in (?:a|two|three|"
    rf"four|five|six|\d+|a few|a couple"
    rf" of) (?:days?|weeks?|months?|years?)(?=\s*(?:$|[.,!]|time|from now))|(?:19|20)\d{{2}})"
)
_EXPANDED = (
    (Pattern(r"(?i)\b(?:i'm|im|i m)\b"), "I am"),
    (Pattern(r"(?i)\b(?:i've|ive)\b"), "I have"),
    (Pattern(r"(?i)\bi'll\b"), "I will"),
    (Pattern(r"(?i)\bi'd\b"), "I would"),
    (Pattern(r"(?i)\bwe're\b"), "we are"),
    (Pattern(r"(?i)\bwe've\b"), "we have"),
    (Pattern(r"(?i)\bwe'll\b"), "we will"),
    (Pattern(r"(?i)\b(?:they're)\b"), "they are"),
    (Pattern(r"(?i)\b(?:they've)\b"), "they have"),
    (
        Pattern(r"(?i)\b(do|does|did|is|was|are|were|have|has|would|could|should)n'?t\b"),
        r"\1 not",
    ),
    (Pattern(r"(?i)\b(?:can't|cant|cannot)\b"), "can not"),
    (Pattern(r"(?i)\b(?:won't)\b"), "will not"),
    (Pattern(r"(?i)\b(?:ain't|aint)\b"), "am not"),
    (Pattern(r"(?i)\bgonna\b"), "going to"),
    (Pattern(r"(?i)\bwanna\b"), "want to"),
    (Pattern(r"(?i)\bgotta\b"), "have to"),
    (Pattern(r"(?i)\b(?:fav|fave|favorite|favourites?|favorites|favs)\b"), "favourite"),
    (Pattern(r"(?i)\b(?:bday|b-day)\b"), "birthday"),
    (Pattern(r"(?i)\b(he|she|it|that|there|who)'s (?=(?:been|got)\b)"), r"\1 has "),
    (Pattern(r"(?i)\b(he|she|it|that|there)'s\b"), r"\1 is"),
    (
        Pattern(
            r"(?i)\b(names?|birthday|job|colou?r|age|hometown|surname|nickname|"
            r"sign|number|language|"
            r"tongue|food|band|film|movie|book|song|drink|animal|season|game|"
            r"sport|subject|hobby)'s "
        ),
        r"\1 is ",
    ),
    (
        Pattern(
            r"(?i)\b([\w-]+)'s (?=(?:called|named|allergic|a|an|from|not|vegan|vegetarian|married|"
            r"turning|going|getting|coming|moving|studying|working|living|learning|afraid|scared|"
            r"into|really|very|also|still|now|pregnant|engaged|divorced|retired|\d+)\b)"
        ),
        r"\1 is ",
    ),
    (Pattern(r"(?i)\b([\w-]+)'s (?=(?:been|got)\b)"), r"\1 has "),
)
_ADVERBS = (
    r"(?:really|absolutely|totally|actually|also|still|currently|now|just|truly|simply|kind of|"
    r"kinda|sort of|genuinely|honestly|definitely|recently|finally|personally|secretly|"
    r"quite|very much|so|deeply|strongly|particularly|especially|literally|basically|mostly|"
    r"mainly|proudly|happily|pretty much|already|obviously|as you know|lately|both|officially|"
    r"originally|presently|at the moment|these days|for sure|actively|passionately|low-key|"
    r"lowkey|severely|badly|extremely|super|technically|nowadays|professionally|only recently|"
    r"mildly|very|too|occasionally|typically|truthfully|to be honest)"
)
_ADVERB_FIRST = Pattern(
    rf"(?i)^(?P<verb>(?:am|have|do|was|used to|can|will)(?: not| no longer)?\s+|(?:have been)\s+|)"
    rf"(?:{_ADVERBS},?\s+)+"
)
_SHORT_CUT = Pattern(r"(?i)\bhave got (?!married|engaged|divorced|hired|promoted|fired|into|to\b)")


def expanded(words: str) -> str:
    """Return ``words`` with contractions and common short forms written out, in one line."""
    text = " ".join(words.split())
    for pattern, full in _EXPANDED:
        text = pattern.sub(full, text)
    return text


def in_order(predicate: str) -> str:
    """Return a predicate in the first person's form without adverbs around its verb."""
    text = predicate.strip()
    first, _, rest = text.partition(" ")
    text = f"{THIRD.get(first.lower(), first)} {rest}".strip()
    for _ in range(2):
        text = _ADVERB_FIRST.sub(lambda found: found["verb"], text)
    first, _, rest = text.partition(" ")
    text = f"{THIRD.get(first.lower(), first.lower())} {rest}".strip()
    text = _ADVERB_FIRST.sub(lambda found: found["verb"], text)
    return _SHORT_CUT.sub("have ", text)


_OFTEN = frozenset(
    ["usually", "often", "always", "generally", "normally", "regularly", "never", "rarely"]
)
_TO_THIRD = {"am": "is", "have": "has", "do": "does", "was": "was", "will": "will", "can": "can"}


def of_third(predicate: str) -> str:
    """Return a predicate in the first person's form as said of somebody else."""
    first, _, rest = predicate.partition(" ")
    if first.lower() in _OFTEN:
        return f"{first} {of_third(rest)}"
    if first.lower() in VERBS and first.lower() not in _TO_THIRD:
        first = _third(first.lower())
    first = _TO_THIRD.get(first.lower(), first)
    return f"{first} {of_another(rest)}".strip()


def of_another(words: str) -> str:
    """Return words in which nobody speaks of themselves."""
    swaps = {"my": "their", "our": "their", "mine": "theirs", "me": "them", "myself": "themself"}
    swaps |= {"us": "them", "i": "they", "we": "they"}
    return re.sub(
        r"(?i)\b(my|our|mine|me|myself|us|i|we)\b", lambda found: swaps[found[1].lower()], words
    )
