"""Words that are never learnt from: orders, secrets, questions, suppositions, others' words."""

from __future__ import annotations

import re

from services.memory.learning.rules.findings import Refusal
from services.memory.learning.rules.patterns import Pattern

_INSTRUCTION = Pattern(
    r"(?ix)"
    r"\b(?:ignore|disregard|forget|override|bypass|delete|erase)\b.{0,40}"
    r"\b(?:instruction|rule|prompt|guideline|restriction|order|command|memor|polic|filter|safet|"
    r"everything|system|limit)\w*"
    r"|\b(?:always|never|must|blindly|only|unconditionally|henceforth|please|to)\s+"
    r"(?:obey|follow\s+(?:\w+'?s?\s+)?(?:orders?|commands?|instructions?|lead|rules?)|comply|"
    r"trust\s+\w+\s+completely|do\s+what(?:ever)?|do\s+as|answer\s+(?:in|with|as|only)|"
    r"respond\s+(?:in|with|as|only)|reply\s+(?:in|with|as|only)|refuse\s+\w+)"
    r"|\bobey\b"
    r"|\bfrom\s+now\s+on,?\s+(?:you|your|always|never|only|do|answer|respond|reply|speak|act|be|"
    r"every)\b"
    r"|\byou\s+(?:must|shall|have\s+to|are\s+now|are\s+to|are\s+required|are\s+not\s+allowed|"
    r"may\s+not|will\s+(?:now|always|never|from)|should\s+(?:always|never|only)|need\s+to\s+"
    r"(?:always|never|obey)|can(?:\s*not|'t)\s+refuse|work\s+for)\b"
    r"|\byour\s+(?:new\s+|real\s+|true\s+|only\s+)?(?:instructions?|rules?|system\s+prompt|"
    r"purpose|master|owner|orders?|directives?|task|job|goal|role)\s+(?:is|are|now)\b"
    r"|\b(?:system\s+prompt|developer\s+mode|jailbreak|do\s+anything\s+now|god\s+mode|sudo|"
    r"root\s+access|admin\s+(?:mode|access|rights?|privileges?))\b"
    r"|\b(?:i|we|he|she|\w+)\s*(?:am|'m|are|is|'s)\s+(?:now\s+)?(?:the|your|an?|this\s+\w+'s)\s+"
    r"(?:\w+\s+){0,2}(?:admin|administrator|owner|creator|developer|master|operator|superuser|"
    r"root|god|moderator)(?=\s*(?:$|[.,;!]|of\s+(?:this|the|your)|and|so|here|who|now|with))"
    r"|\b(?:has|have|had|grant|give|gets?|got)\s+(?:\w+\s+){0,2}(?:admin|root|owner|full|unlimited|"
    r"unrestricted)\s+(?:access|rights|permissions?|privileges?|powers?|control)\b"
    r"|\b(?:act|behave|speak|talk|respond|reply|answer)\s+(?:as|like)\s+(?:if\s+you|a|an|the|my)\b"
    r"|\b(?:reveal|leak|print|repeat|show|send|dm|email|post|execute|run|call)\s+"
    r"(?:me\s+|us\s+|out\s+)?(?:the|your|all|every|this|any|to)\b.{0,40}\b(?:prompt|secret|key|"
    r"token|instruction|password|memor|command|tool|function|script|data|everyone)\w*"
    r"|\bwhen(?:ever)?\s+(?:i|someone|anyone|anybody|\w+)\s+(?:say|says|ask|asks|write|writes|"
    r"type|types)\b.{0,60}\b(?:you|answer|reply|respond|say|do|give|send|reveal)\b"
    r"|\b(?:treat|consider|regard)\s+\w+(?:'s)?\s+(?:\w+\s+)?(?:as|words?\s+as)\b"
    r"|\bmake\s+sure\s+(?:you|to)\b"
    r"|<\|?/?(?:im_start|im_end|system|s|inst)\|?>|\[/?inst\]|^\s*\W*(?:system|assistant)\s*:"
)
_IMPERATIVE = Pattern(
    r"(?i)^(?:always|never|do not|don't|dont|please (?:always|never|do not|don't)|ignore|disregard|"
    r"obey|pretend|act|respond|reply|answer|behave|stop|start|execute|reveal|repeat after|override|"
    r"delete|grant)\b(?!\s+(?:been|had|have|was|liked|loved|wanted|hated)\b)"
)
_SECRET = Pattern(
    r"(?i)\b(?:pass\s?-?words?|passwd|pass\s?-?phrases?|pass\s?-?codes?|pin(?:\s+(?:code|number))?"
    r"(?=\W*(?:is|:|=|for)\b|\s+(?:is|to)\b|:|=)|api[\s_-]?keys?|access[\s_-]?(?:key|token)s?|"
    r"secret[\s_-]?(?:key|token|code|word)s?|private[\s_-]?keys?|(?:auth|bot|bearer|session)"
    r"[\s_-]?tokens?|token(?=\s+is\b|:|=)|seed[\s_-]?phrases?|recovery[\s_-]?(?:code|phrase|key)s?|"
    r"security[\s_-]?(?:code|answer)s?|cvv2?|cvc|(?:credit|debit|bank)[\s_-]?card|card\s+number|"
    r"iban|account\s+number|routing\s+number|social\s+security|ssn|passport\s+number|"
    r"(?:door|gate|alarm|safe|locker|vault|bike\s+lock|unlock|login|log-in)\s+(?:code|combination|"
    r"pin)|credentials?|2fa|otp|one-time\s+code|combination\s+(?:is|to|of))\b"
)
_KEY = Pattern(
    r"(?:sk|pk|rk|ghp|gho|glpat|xox[abps]|hf)[-_][\w-]{12,}|AKIA[0-9A-Z]{12,}|eyJ[\w-]{12,}\.[\w-]+"
    r"|-----BEGIN|(?<![\w-])[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,45}(?![\w-])"
    r"|(?<![\w/])(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[a-z])(?=[A-Za-z0-9+/_-]*[A-Z])"
    r"[A-Za-z0-9+/_-]{24,}"
)
_NUMBER = Pattern(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w])")
_IBAN = Pattern(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}\b")
_SUPPOSED = Pattern(
    r"(?i)\b(?:if (?:only |i |we |my |he |she |they |it |you |there |\w+ (?:was|were|had|lived))|"
    r"i wish|wish i|imagine|imagining|suppose|supposing|pretend(?:ing)?|hypothetically|what if|"
    r"let'?s say|say i was|as if|as though|would|wouldn'?t|(?:i|we|he|she|they|you|it)'d|"
    r"might|maybe|perhaps|possibly|could(?:n'?t)? (?:be|have|live|work|move)|"
    r"in (?:my|a|the|this|that) (?:dream|nightmare|story|novel|book|game|film|movie|rp|roleplay|"
    r"scene|campaign|fantasy|play|next life|past life|another life|parallel universe)|"
    r"(?:i |we )?dream(?:t|ed) (?:that|about|of|i)|my character|(?:in|un)til i|unless|"
    r"(?:i am|i'?m|im) (?:not sure|unsure)|not sure (?:if|whether)|(?:i )?(?:doubt|wonder)|"
    r"almost (?:moved|bought|got|married)|nearly (?:moved|bought|got|married)|"
    r"thinking (?:about|of)|considering|playing (?:a|the role)|once upon a time|role-?play)\b"
)
_WISHES = Pattern(
    r"(?i)\b(?:would|'d) (?:really |absolutely )?(?:love|like) to (?:visit|learn|see|travel|live|"
    r"become|be|go|own|write|open|meet)\b|\bdream(?:ed|t)? of (?:becoming|being|visiting|living|"
    r"opening|owning|writing|travelling|traveling|moving)\b"
)
_PARENTHESIS = Pattern(
    r"(?i)^(?:if you must know|if i (?:remember|recall) (?:right|correctly)|if you(?:'re| are)? "
    r"(?:wonder(?:ing)?|curious|interested)|(?:just )?in case you (?:were |are |'re )?"
    r"(?:wondering|forgot|did not know|didn't know)|if (?:it|that) helps)\s*[,:-]?\s*"
)
_REPORTED = Pattern(
    r"(?i)(?:^|\b(?:that|and|but|then|because)\s+)(?!i\b|we\b)(?:my "
    r"|our |the |your )?[\w' -]{1,30}?"
    r"\s+(?:said|says|say|told (?:me|us|him|her|them|everyone)|tells? (?:me|us)|claims?|claimed|"
    r"thinks?|thought|believes?|insists?|insisted|swears?|wrote|writes|asked|goes|was like|is like|"
    r"were like|yelled|whispered|shouted|joked|sings|sang|keeps? saying|reckons?|guess(?:es|ed)?|"
    r"calls? it)\b[\s,:]+(?:that\s+|to me\s+)?(?P<rest>.+)$"
)
_YOU_SAID = Pattern(
    r"(?i)\byou (?:just |once |already )?(?:said|told me|mentioned|wrote|claimed|think|thought|"
    r"remember|recalled|know|knew|noted|replied|answered|keep saying|are saying|were saying)\b"
)
_JOKE = Pattern(
    r"(?i)(?:^|\s)/(?:s|j|jk|sarcasm|joke|hj|srsnot)(?=\s|[.!?,]|$)|\b(?:just kidding|only kidding|"
    r"kidding|just joking|only joking|j/k|jk|not really lol|sarcasm|i'?m joking|just messing|"
    r"messing with you|april fools)\b"
)
_COMMAND = Pattern(r"^\s*(?:/(?!(?:s|j|jk)\b)[A-Za-z]|![A-Za-z]|\.[a-z]{2,}\b)")
_ASKS = Pattern(
    r"(?i)^(?:(?:and|but|so|ok|okay|well|hey|then|also|wait|hmm|um|please)[\s,]+)*"
    r"(?:(?:what|who|whose|whom|which|where|when|why|how)(?:'s|s)?\s+"
    r"(?:(?:\w+\s+){0,3}?)(?:is|are|was|were|do|does|did|can|could|will|would|should|have|has|am)\b"
    r"|(?:what|who|where|when|how)'s\b|whats\b"
    r"|(?:do|does|did|is|are|was|were|am|can|could|will|would|should|shall|have|has|may|might)\s+"
    r"(?:i|you|we|he|she|they|it|my|your|our|the|this|that|there|anyone|someone|any)\b"
    r"|(?:guess|tell me|say|remind me|show me|explain)\s+(?:what|who|where|when|why|how|if|whether|"
    r"my|about))"
)
_ANNOUNCES = Pattern(
    r"(?i)^(?:(?:and|but|so|ok|okay|well|hey|oh|also|btw)[\s,]+)*(?:(?:did|"
    r"have) i (?:ever |already )?"
    r"(?:tell|told|mention(?:ed)?)(?: to)?(?: you)?(?: that)?|did you know(?: that)?|"
    r"do you know that|guess what[?!,:.]?|you know what[?!,:.]?)\s+"
    r"(?=(?:i|i'm|im|i've|my|our|we|we're|[A-Z][\w-]+(?:'s)?)\b)"
)
_AFTERTHOUGHT = Pattern(
    r"(?i),?\s+if (?:you (?:can believe (?:it|that)|must know|know what i mean|want to know|care|"
    r"wonder|ask me|like that sort of thing)|i (?:remember|recall) (?:it )?(?:right|correctly)|"
    r"memory serves(?: me)?|that (?:helps|matters|counts)|it matters)\W*$"
)
_TAIL = Pattern(
    r"(?i)[,.\s-]+(?:(?:did|have) i (?:ever )?(?:tell|told|mention(?:ed)?|say|said)[^?]*|you know|"
    r"ok(?:ay)?|isn'?t (?:it|that|he|she) (?:\w+)|(?:do you )?remember|can you believe (?:it|that)|"
    r"how about you|what about you|and you|you|hbu|wbu|how are you|what'?s yours|funny,? (?:right|"
    r"huh|no)|cool,? (?:right|huh)|crazy,? (?:right|huh|no))\s*\?+$"
)


def secret(words: str) -> bool:
    """Tell whether ``words`` speak of a password, key or number nobody should keep."""
    return bool(
        _SECRET.search(words)
        or _KEY.search(words)
        or _IBAN.search(words)
        or any(_luhn(found[0]) for found in _NUMBER.finditer(words))
    )


def instruction(words: str) -> bool:
    """Tell whether ``words`` order somebody about or claim authority."""
    return bool(_INSTRUCTION.search(words) or _IMPERATIVE.search(words.strip()))


def order(words: str) -> bool:
    """Tell whether ``words``, which need not be a sentence, order somebody about."""
    return bool(_INSTRUCTION.search(words))


def joke(text: str) -> bool:
    """Tell whether a message is marked as not meant."""
    return bool(_JOKE.search(text))


def command(text: str) -> bool:
    """Tell whether a message is a command to a program."""
    return bool(_COMMAND.match(text))


def without_tail(sentence: str) -> str:
    """Return a statement without the question that only seeks attention, such as ", you know?"."""
    return _AFTERTHOUGHT.sub(".", _TAIL.sub(".", sentence))


def without_announcement(sentence: str) -> tuple[str, int]:
    """Return a statement without an opening such as "did you know that", and what that took off."""
    found = _ANNOUNCES.match(sentence)
    return (sentence[found.end() :].rstrip("? "), found.end()) if found else (sentence, 0)


def refusal(sentence: str) -> Refusal | None:
    """Return why nothing may be learnt from a sentence, ``None`` where something may."""
    words = _PARENTHESIS.sub("", sentence.strip())
    if secret(words):
        return Refusal.SECRET
    if instruction(words):
        return Refusal.INSTRUCTION
    if words.rstrip(" )\"'*!").endswith("?") or _ASKS.match(words):
        return Refusal.QUESTION
    if _SUPPOSED.search(words) and not _WISHES.search(words):
        return Refusal.HYPOTHETICAL
    if _YOU_SAID.search(words) or _spoken_by_another(words):
        return Refusal.REPORTED
    return None


def without_parenthesis(sentence: str) -> tuple[str, int]:
    """Return a sentence without an opening such as "if you must know", and what that took off."""
    found = _PARENTHESIS.match(sentence)
    return (sentence[found.end() :], found.end()) if found else (sentence, 0)


def _spoken_by_another(words: str) -> bool:
    """Tell whether somebody else is quoted as speaking in the first person."""
    found = _REPORTED.search(words)
    return found is not None and bool(re.search(r"(?i)\b(?:i|i'm|im|my|me)\b", found["rest"]))


def _luhn(number: str) -> bool:
    digits = [int(each) for each in number if each.isdigit()]
    doubled = [each * 2 - 9 if each > 4 else each * 2 for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
