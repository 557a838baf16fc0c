"""Rules for what somebody likes, fears, wants and does."""

from __future__ import annotations

from services.memory.learning.rules.english import DATE
from services.memory.learning.rules.findings import FactKind
from services.memory.learning.rules.rule import rule

_LANGUAGE = (
    r"(?:english|german|french|spanish|italian|portuguese|dutch|polish|russian|ukrainian|turkish|"
    r"arabic|hebrew|japanese|korean|chinese|mandarin|cantonese|hindi|urdu|bengali|tamil|thai|"
    r"vietnamese|greek|swedish|norwegian|danish|finnish|icelandic|czech|slovak|hungarian|romanian|"
    r"bulgarian|serbian|croatian|persian|farsi|swahili|latin|esperanto|catalan|basque|irish|welsh|"
    r"gaelic|tagalog|filipino|indonesian|malay|punjabi|gujarati|marathi|telugu|zulu|afrikaans|"
    r"sign language|asl|bsl|klingon|quechua|maori|estonian|latvian|lithuanian|slovenian|albanian)"
)
_NOT_LIKED = (
    r"(?!you\b|your\b|it\b|that\b|this\b|how\b|when\b|what\b|to (?:say|think|know|be honest))"
)

LANGUAGES = (
    rule(
        rf"(?:speak|am fluent in|know|can speak|grew up speaking|am a native speaker of|"
        rf"have spoken) (?:both |fluent |a (?:little|bit) of |a little |some |native |basic |"
        rf"only )?(?P<v>{_LANGUAGE}\b.*)",
        "speaks",
        "{who} speaks <value>.",
        many=True,
    ),
    rule(
        r"(?:(?:am|have been|started|have started|began|am currently) "
        r"(?:learning|studying|teaching "
        r"myself|practi[sc]ing)|(?:am )?learn(?:ing)?) (?P<how>(?:how "
        r")?to )?(?P<v>(?!a lot|that|more|"
        r"about)\S.+)",
        "learning",
        "{who} is learning <how> <value>.",
    ),
    rule(
        r"(?:stopped|quit|gave up|have stopped|have given up|have quit|do not) (?:learn(?:ing)?|"
        r"study(?:ing)?) (?P<v>.+)",
        "learning",
        "{who} no longer learns <value>.",
        ends=True,
    ),
)
TASTES = (
    rule(
        r"(?:do not|no longer|stopped|have stopped)(?: even)? (?:like|liking|love|loving|enjoy|"
        r"enjoying|care for|want) (?P<v>.+?)(?:\W+(?:any ?more|any longer|these days|now))",
        "likes",
        "{who} no longer likes <value>.",
        FactKind.PREFERENCE,
        ends=True,
        many=True,
    ),
    rule(
        r"(?:no longer|stopped|have stopped|used to) (?:like|liking|love|loving|enjoy|enjoying|"
        r"adore|am into|be into|be a fan of) (?P<v>.+)",
        "likes",
        "{who} no longer likes <value>.",
        FactKind.PREFERENCE,
        ends=True,
        many=True,
    ),
    rule(
        r"(?:no longer|do not|stopped|used to) (?:hate|mind|dislike|hating|disliking) (?P<v>.+?)"
        r"(?:\W+(?:any ?more|any longer|these days|now)|$)",
        "dislikes",
        "{who} no longer dislikes <value>.",
        FactKind.PREFERENCE,
        ends=True,
        many=True,
    ),
    rule(
        r"(?:am not|have never been) (?:an? )?(?:\w+ )?(?:fan of|into|keen on|fond of|crazy about|"
        r"big on) (?P<v>.+)",
        "dislikes",
        "{who} does not like <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    rule(
        rf"(?:do not|never|have never|can not)(?: \w+ly| even| at all)? "
        rf"(?:like|liked|enjoy|enjoyed|"
        rf"love|care for|stand|bear|stomach|abide|get into|stomached) {_NOT_LIKED}(?P<v>.+)",
        "dislikes",
        "{who} does not like <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    rule(
        rf"(?:(?:have (?:always|never) )?(?:hate|hated|dislike|disliked|despise|despised|detest|"
        rf"loathe|loathed)|am sick of|am disgusted by|am put off by) {_NOT_LIKED}(?P<v>.+)",
        "dislikes",
        "{who} does not like <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    rule(
        r"prefer (?P<v>.+?) (?:to|over|rather than|instead of|than|more than) (?P<w>.+)",
        "likes",
        "{who} prefers <value> to <w>.",
        FactKind.PREFERENCE,
    ),
    rule(
        r"(?:have always )?prefer(?:red)? (?!not|if|when|that|to not)(?P<v>.+)",
        "likes",
        "{who} prefers <value>.",
        FactKind.PREFERENCE,
    ),
    rule(
        r"(?:am|have been|have always been|became|have become|am such|am also) (?:an? |the )?"
        r"(?:(?:\w+ly|big|huge|massive|really|so|very|such|great|real|"
        r"total|true|die-?hard|quite|pretty|"
        r"super|kind of|long-?time|lifelong|avid|bit|keen|passionate|proud|"
        r"devoted) )*(?:fan of|fond of|keen on|into|crazy about|mad about|"
        r"nuts about|"
        r"obsessed with|passionate about|in love with|addicted to|hooked "
        r"on|a sucker for|sucker for|"
        r"lover of|enthusiast of|partial to|fascinated by|devoted to) "
        r"(?!you\b|your\b|it\b|this\b|that\b)(?P<v>.+)",
        "likes",
        "{who} likes <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    rule(
        r"(?:am|have been) (?:an? |more of an? |definitely an? |such an? "
        r"|)(?:\w+ )?(?P<v>(?:coffee|"
        r"tea|cat|dog|night|morning|book|music|jazz|metal|star wars|football|chess|anime|art|"
        r"history|film|movie|beer|wine|chocolate|pizza|animal|nature|beach|mountain|city|outdoor|"
        r"plant|train|car|science|sci-fi|fantasy|horror|gaming|food|space|rock|opera|theatre|video "
        r"game|board game|[\w-]+) (?:person|fan|lover|nerd|geek|addict|fanatic|enthusiast|buff|"
        r"freak|junkie|owl|aficionado|fiend))\b",
        "is_a",
        "{who} is a <value>.",
        FactKind.TRAIT,
    ),
    rule(
        rf"(?:(?:have |)(?:always |)(?:like|liked|love|loved|adore|adored|enjoy|enjoyed|dig|fancy|"
        rf"admire|appreciate|treasure|worship|cherish)|can not (?:get enough "
        rf"of|live without|resist)|"
        rf"live for|fell in love with|have fallen in love with|have a (?:soft "
        rf"spot|weakness|passion|"
        rf"sweet tooth|thing|love) for|get excited about|swear by) "
        rf"{_NOT_LIKED}(?P<v>.+)",
        "likes",
        "{who} likes <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    rule(
        r"have a sweet tooth",
        "trait",
        "{who} has a sweet tooth.",
        FactKind.TRAIT,
        fixed="a sweet tooth",
    ),
    rule(
        r"(?:am|have always been|get|am really) (?:\w+ )?(?:afraid|scared|terrified|frightened|"
        r"petrified) of (?P<v>.+)",
        "fear",
        "{who} is afraid of <value>.",
        FactKind.TRAIT,
        many=True,
    ),
    rule(
        r"(?:have|suffer from) (?:an? )?(?:\w+ )?(?:fear|phobia) of (?P<v>.+)",
        "fear",
        "{who} is afraid of <value>.",
        FactKind.TRAIT,
        many=True,
    ),
    rule(r"(?:have|suffer from) (?P<v>\w+phobia)", "fear", "{who} has <value>.", FactKind.TRAIT),
    rule(
        r"(?:watch|read|listen to|drink|eat) (?P<v>.+?) (?:all the time|a lot|constantly|non-?stop|"
        r"all day|way too much)",
        "likes",
        "{who} likes <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    rule(r"fear (?P<v>.+)", "fear", "{who} is afraid of <value>.", FactKind.TRAIT, many=True),
    rule(
        r"(?:am|have never been|have always been) (?P<how>(?:\w+ )?(?:good|"
        r"bad|terrible|great|awful|"
        r"excellent|hopeless|rubbish|amazing)) (?:at|with) (?P<v>(?!this|that|it).+)",
        "skill",
        "{who} is <how> at <value>.",
        FactKind.TRAIT,
    ),
    rule(
        r"can (?P<v>(?:play|juggle|cook|bake|sing|dance|swim|ski|surf|code|program|drive|ride|sew|"
        r"knit|whistle|do a|solve|touch-type|fly|sail|read)\b.*)",
        "skill",
        "{who} can <value>.",
        FactKind.TRAIT,
    ),
)
DOINGS = (
    rule(
        r"(?:do not|no longer|stopped|have stopped|quit|gave up|have given up|have quit) "
        r"(?:play|playing|do|doing|practi[sc]ing|practi[sc]e|collect|collecting) "
        r"(?:the )?(?P<v>.+?)(?:\W+(?:any ?more|any longer)|$)",
        "plays",
        "{who} no longer plays <value>.",
        ends=True,
    ),
    rule(
        r"(?:play|have been playing|have played|started playing|picked up|took up|have taken up|"
        r"have picked up) (?:the |some |)(?P<v>(?!with\b|for\b|since\b|"
        r"professionally\b|together\b|it\b|"
        r"this|that|a joke|along|around|a new job|working|the day)(?:.+?))(?: in (?:a|an|my) .+|"
        r" with .+| on \w+days?.*| every .+| at .+|)$",
        "plays",
        "{who} plays <value>.",
        many=True,
    ),
    rule(r"play (?P<v>.+? in (?:a|an) .+)", "plays", "{who} plays <value>."),
    rule(
        r"(?:collect|have been collecting|started collecting) (?P<v>.+)",
        "collects",
        "{who} collects <value>.",
        many=True,
    ),
    rule(
        r"(?:have|started|picked up) (?:an? )?(?:new )?hobby(?::| of| -|,)? (?P<v>.+)",
        "hobby",
        "{who}'s hobby is <value>.",
    ),
    rule(
        r"(?:go|have been going|enjoy going|often go|started going) (?P<v>(?:\w+ )?"
        r"(?:hiking|climbing|swimming|running|jogging|cycling|skiing|snowboarding|surfing|fishing|"
        r"camping|dancing|bouldering|sailing|kayaking|birdwatching|birding|riding|skating|bowling|"
        r"diving|hunting|foraging|geocaching|paragliding)\b.*)",
        "hobby",
        "{who} goes <value>.",
        FactKind.PREFERENCE,
    ),
    rule(
        r"(?P<v>(?:paint|draw|knit|bake|garden|hike|climb|run|swim|cycle|dance|sing|surf|ski|skate|"
        r"brew|sew|crochet|sketch|blog|stream|juggle|fence|box|row|sail|camp|fish|meditate|code|"
        r"do (?:yoga|karate|judo|pilates|ballet|crossfit|pottery|ceramics|archery|calligraphy|"
        r"origami|improv|woodworking|photography|bouldering|martial arts)"
        r"|practi[sc]e (?:yoga|karate|"
        r"judo|tai chi|pilates|calligraphy)|write (?:poetry|poems|songs|"
        r"stories|novels|short stories|"
        r"fan ?fiction|code|music|fiction|a \w+)|make (?:pottery|jewel\w+|music|films|candles|"
        r"furniture|my own|games|videos|wine|cheese|beer|ceramics|soap)"
        r"|keep (?:bees|chickens|an? )|"
        r"grow (?:my own|vegetables|tomatoes|roses|herbs|flowers|orchids|"
        r"plants|chil[il]\w*|bonsai)|restore (?:old|vintage|antique|furniture|"
        r"cars|clocks|\w+s)|build (?:model|ships|guitars|keyboards|robots|"
        r"furniture|my own)|"
        r"ride (?:a |my )?(?:horses?|motorbikes?|motorcycles?|bikes?|bicycles?)|raise|breed|"
        r"train for|volunteer|foster)(?:\b.*|s\b.*|))$",
        "hobby",
        "{who} <third>.",
        FactKind.PREFERENCE,
        whole=True,
    ),
    rule(
        r"(?P<v>(?:usually|often|always|generally|normally|regularly|never|rarely|tend to) "
        r"(?:wake|get up|go|eat|have|drink|read|work|sleep|walk|take|run|watch|cook|start|stay|"
        r"write|listen|meet|call|visit|skip|train|bike|cycle)\b.*)",
        "habit",
        "{who} <value>.",
        FactKind.TRAIT,
        whole=True,
    ),
    rule(
        r"(?P<v>(?:wake|get up|go|eat|have(?! to)|drink|read|work|sleep|"
        r"walk|take|run|watch|cook|swim|"
        r"train|meet|call|visit|do|play|attend|volunteer|cycle|commute|meditate|jog)\b.*"
        r"\b(?:daily|weekly|(?:every|each|twice an?|once an?|three times "
        r"an?|most) (?:single |other |"
        r"second )?(?:day|morning|evening|night|week|weekend|month|year|sunday|monday|tuesday|"
        r"wednesday|thursday|friday|saturday|summer|winter|weekday|hour)"
        r"s?|on (?:sun|mon|tues|wednes|"
        r"thurs|fri|satur)days|on weekends|at weekends)\b.*)",
        "habit",
        "{who} <third>.",
        FactKind.TRAIT,
        whole=True,
    ),
    rule(
        r"(?:have been to|have visited|visited|went to|travelled to|traveled to|have travelled to|"
        r"have traveled to|have lived abroad in|spent \w+ (?:weeks|months|years) in|backpacked "
        r"(?:through|across|around)) (?P<v>(?:the )?(?-i:[A-Z])\w.+?)(?: "
        r"(?:twice|once|last|in|for|with|a|"
        r"three|two|several|many|as).*|)$",
        "been_to",
        "{who} has been to <value>.",
    ),
    rule(
        r"have never (?P<v>(?:been to|seen|eaten|tried|played|read|watched|learned|learnt|visited|"
        r"owned|driven|flown|had|broken|met)\b.*)",
        "has",
        "{who} has never <value>.",
    ),
    rule(
        r"(?:(?:have always wanted|want|hope|aspire|am saving up|am dying|am hoping|am training|"
        r"would love|would like|would really love|would really like|am "
        r"planning|plan|intend|aim) to|"
        r"have dreamed to) "
        r"(?P<v>(?:(?:someday|one day|finally) )?(?:become|be an?|visit|"
        r"learn|see the|see (?-i:[A-Z])|"
        r"travel|write|open|move|study|own|build|run|climb|start|adopt|publish|retire|quit|go to "
        r"(?-i:[A-Z])|live in|get an?)\b.*)",
        "wants",
        "{who} wants to <value>.",
        FactKind.PREFERENCE,
    ),
    rule(
        r"(?:dream|dreamed|have dreamed|have always dreamed|am dreaming|am saving(?: up)?) "
        r"(?P<how>of|about|for) (?P<v>(?:becoming|being|visiting|learning|travelling|opening|"
        r"owning|writing|moving|living|an? |my own ).*)",
        "wants",
        "{who} dreams <how> <value>.",
        FactKind.PREFERENCE,
    ),
    rule(
        r"read (?P<v>(?:a lot of |many |mostly |lots of |mainly |)(?:[\w-]+ ){0,3}(?:books|novels|"
        r"comics|manga|poetry|fantasy|sci-fi|fiction|biographies|thrillers|"
        r"classics|mysteries)\b.*)",
        "likes",
        "{who} reads <value>.",
        FactKind.PREFERENCE,
    ),
)
PLANS = (
    rule(
        r"(?P<v>am (?:moving|relocating|emigrating) (?:back )?to .+)",
        "plan",
        "{who} <third>.",
        FactKind.DATE,
        whole=True,
    ),
    rule(
        rf"(?P<v>(?:am (?:going|flying|moving|travelling|traveling|visiting|"
        rf"starting|getting|having|"
        rf"taking|leaving|seeing|meeting|running|throwing|hosting|presenting|performing|defending|"
        rf"graduating|driving|sitting|expecting|off|due|spending|giving|attending|doing|playing|"
        rf"competing|training|joining|picking|adopting|buying|returning|coming|heading|celebrating|"
        rf"marrying)|"
        rf"will |have (?:an?|my|our|the|two|three) .*(?:exam|test|appointment|"
        rf"interview|meeting|date|"
        rf"surgery|operation|wedding|concert|flight|trip|deadline|holiday|vacation|party|match|"
        rf"race|recital|presentation|game|dinner|ticket|reservation|checkup|check-up|class|show|"
        rf"graduation|anniversary|performance|reunion|move|birthday|doctor|dentist)|"
        rf"(?:plan(?:ning)? to|fly|leave for|start|graduate|get married|booked|have booked|"
        rf"have tickets)\b).*"
        rf"\b(?:on|in|at|for|this|next|by|until|during|over)?\s*{DATE}.*)",
        "plan",
        "{who} <third>.",
        FactKind.DATE,
        whole=True,
    ),
)
