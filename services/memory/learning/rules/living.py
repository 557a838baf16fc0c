"""Rules for who somebody is: age, home, work, studies, health."""

from __future__ import annotations

from services.memory.learning.rules.english import DATE, MONTH
from services.memory.learning.rules.findings import FactKind
from services.memory.learning.rules.rule import rule

_NUMBER = (
    r"(?:\d{1,3}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|"
    r"four|five|six|seven|eight|nine))?|one|two|three|four|five|six|"
    r"seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|"
    r"seventeen|eighteen|nineteen)"
)
_GONE = r"(?:\W+(?:any ?more|any longer|now|these days))"
_JOB_WORDS = (
    r"(?:nurse|chef|cook|pilot|judge|clerk|coach|guide|vet|veterinarian|cop|maid|monk|nun|"
    r"priest|pastor|rabbi|imam|soldier|sailor|marine|student|freelancer|midwife|paramedic|"
    r"barista|waiter|waitress|actress|poet|author|journalist|athlete|intern|apprentice|trainee|"
    r"au pair|nanny|secretary|assistant|consultant|accountant|lawyer|attorney|solicitor|"
    r"barrister|bouncer|mechanic|electrician|welder|architect|artist|"
    r"scientist|analyst|chemist|pharmacist|dentist|therapist|florist|"
    r"stylist|typist|receptionist|economist|historian|librarian|musician|physician|technician|"
    r"politician|magician|dietitian|mathematician|statistician|"
    r"doctor|professor|actor|director|editor|author|"
    r"investigator|inspector|operator|translator|"
    r"contractor|realtor|sculptor|surgeon|tailor|teacher|"
    r"programmer|developer|engineer|designer|manager|baker|butcher|carpenter|cleaner|"
    r"driver|farmer|firefighter|gardener|hairdresser|barber|jeweller|lecturer|"
    r"miner|officer|painter|photographer|plumber|police\s?(?:man|woman|officer)|postman|"
    r"recruiter|reporter|researcher|singer|streamer|tuner|watchmaker|"
    r"waiter|writer|youtuber|blogger|banker|broker|trader|trucker|builder|roofer|joiner|"
    r"fisherman|fireman|businessman|businesswoman|salesman|saleswoman|salesperson|cashier|"
    r"shopkeeper|beekeeper|bookkeeper|zookeeper|goalkeeper|housekeeper|caretaker|undertaker|"
    r"filmmaker|shoemaker|luthier|sommelier|courier|optician|paralegal|"
    r"biologist|geologist|psychologist|radiologist|cardiologist|archaeologist|physicist|"
    r"pianist|violinist|cellist|guitarist|drummer|dancer|"
    r"flight attendant|stay-at-home (?:mum|mom|dad|parent)|housewife|househusband|entrepreneur|"
    r"founder|ceo|cto|cfo|diver|astronaut|tutor|instructor|lifeguard|"
    r"social worker|case worker|factory worker|care worker|construction worker|worker|"
    r"sysadmin|system administrator|data scientist|linguist|interpreter|"
    r"copywriter|illustrator|animator|composer|producer|dj|model|stunt\w+|tester|bartender|"
    r"janitor|mayor|diplomat|spy|detective|ranger|forester|botanist|zoologist|meteorologist)"
)
_DIETS = (
    r"(?:strict |strictly |mostly |a |an |)(?P<v>vegan|vegetarian|pescatarian|pescetarian|"
    r"flexitarian|carnivore|fruitarian|omnivore|lactose[- ]intolerant|gluten[- ]free|"
    r"gluten[- ]intolerant|coeliac|celiac|kosher|halal|keto|raw vegan|plant-based|teetotal(?:er)?)"
)
_STATUSES = (
    r"(?P<v>(?:happily |newly |recently |)(?:married|single|engaged|divorced|widowed|separated)|"
    r"in a (?:\w+[ -])*relationship|in an open relationship|(?:a |)widow(?:er)?|polyamorous)"
)
_CONDITIONS = (
    r"(?P<v>(?:\w+ |type [12] |)(?:asthma|diabetes|adhd|add|ocd|autism|anxiety|depression|epilepsy|"
    r"migraines?|insomnia|arthritis|dyslexia|tinnitus|ptsd|eczema|psoriasis|hay fever|scoliosis|"
    r"celiac disease|coeliac disease|crohn'?s(?: disease)?|ibs|endometriosis|high blood pressure|"
    r"a heart condition|a pacemaker|cancer|lupus|narcolepsy|sleep apnea|sleep apnoea|vertigo|"
    r"hypothyroidism|anaemia|anemia|fibromyalgia|tourette'?s|a prosthetic \w+|a hearing aid))\b"
)
_TRAITS = (
    r"(?P<v>(?:left|right)-?\s?handed|ambidextrous|colou?r-?\s?blind|deaf|blind|mute|"
    r"(?:short|near|far|long)-?sighted|an? (?:introvert|extrovert|"
    r"ambivert)|introverted|extroverted|"
    r"autistic|dyslexic|diabetic|asthmatic|epileptic|bilingual|trilingual|multilingual|shy|"
    r"religious|catholic|muslim|jewish|christian|buddhist|hindu|atheist|agnostic|gay|lesbian|bi|"
    r"bisexual|pansexual|asexual|queer|trans|transgender|non-?binary|straight|pregnant|adopted|"
    r"an only child|the (?:oldest|eldest|youngest|middle)(?: (?:child|"
    r"of \w+(?: \w+)?|sibling|one))?|"
    r"retired|hard of hearing|unemployed|self-employed|between jobs|"
    r"colourblind|superstitious|claustrophobic|"
    r"arachnophobic|perfectionist|ticklish|vaccinated|homeschooled|sober)\b"
)
NATIONALITY = (
    r"(?P<v>(?:half[- ])?(?:american|australian|austrian|argentinian|bavarian|belgian|brazilian|"
    r"british|bulgarian|canadian|catalan|chilean|chinese|colombian|croatian|cuban|czech|danish|"
    r"dutch|egyptian|english|estonian|ethiopian|filipino|finnish|french|german|ghanaian|greek|"
    r"hungarian|icelandic|indian|indonesian|iranian|iraqi|irish|israeli|italian|jamaican|japanese|"
    r"kenyan|korean|latvian|lebanese|lithuanian|malaysian|mexican|moroccan|nepali|nigerian|"
    r"norwegian|pakistani|palestinian|peruvian|polish|portuguese|romanian|russian|scottish|"
    r"serbian|slovak|slovenian|south african|spanish|swedish|swiss|syrian|taiwanese|thai|tunisian|"
    r"turkish|ukrainian|venezuelan|vietnamese|welsh))(?=\s*(?:$|[.,!]|and |but |by |though))"
)

HOME = (
    rule(
        r"(?:have )?(?:moved|came|emigrated|immigrated|relocated) (?:over )?here from (?P<v>.+)",
        "from",
        "{who} came from <value>.",
    ),
    rule(
        r"(?:do not|no longer|am no longer|am not) (?:live|reside|living|based) (?:here )?"
        r"(?:in|at|near) (?P<v>.+)",
        "lives_in",
        "{who} no longer lives in <value>.",
        ends=True,
    ),
    rule(
        r"(?:have )?(?:just )?(?:moved|relocated)(?: away| out)?(?: here)? from (?P<w>[^,.]+?) to "
        r"(?P<v>.+)",
        "lives_in",
        "{who} moved from <w> to <value>.",
    ),
    rule(
        r"(?:have )?(?:moved|relocated|move) (?:away from|out of|from) (?P<v>.+)",
        "lives_in",
        "{who} no longer lives in <value>.",
        ends=True,
    ),
    rule(
        rf"(?:have )?(?:just |finally )?(?:moved|relocated|settled(?: down)?|migrated|emigrated)"
        rf"(?: back| here| over| down| up| house| permanently| all the "
        rf"way)*(?: to| in| into| near) "
        rf"(?P<v>.+?)(?: from .+| (?:in|on) {DATE}.*| (?:last|this) \w+.*| (?:a|two|three|\w+) \w+ "
        rf"ago.*| with .+| for .+|)$",
        "lives_in",
        "{who} lives in <value>.",
    ),
    rule(r"used to live (?:in|at|near) (?P<v>.+)", "lived_in", "{who} used to live in <value>."),
    rule(
        r"(?:grew up|was raised|was brought up|was born and raised|spent my childhood) "
        r"(?:in|on|near|at) (?P<v>.+)",
        "grew_up_in",
        "{who} grew up in <value>.",
    ),
    rule(
        rf"(?:was )?born (?:on|in)?\s*(?P<v>{DATE}.*)",
        "birth_date",
        "{who} was born on <value>.",
        FactKind.DATE,
    ),
    rule(
        rf"(?:was )?born (?:in|at|near) (?P<v>.+?)(?: (?:in|on) {DATE}.*|)$",
        "birthplace",
        "{who} was born in <value>.",
    ),
    rule(
        r"(?:lived|was living) (?:in|at|near) (?P<v>.+)",
        "lived_in",
        "{who} used to live in <value>.",
    ),
    rule(
        r"(?:live|reside|am living|am based|am located|have lived|have been living|"
        r"have been based|live together|stay) "
        r"(?:with .{1,30} )?(?:(?:up|down|out|over|right|all alone|alone|here|together|happily) )*"
        r"(?P<where>in|at|near|on|outside(?: of)?|close to|just outside(?: of)?|by) (?P<v>.+?)"
        r"(?: with .+| together.*|)$",
        "lives_in",
        "{who} lives <where> <value>.",
    ),
    rule(
        r"(?:am|come|hail) (?:all the way |originally |)from (?P<v>(?:the )?[a-z][\w' ,-]+)",
        "from",
        "{who} is from <value>.",
    ),
)
AGE = (
    rule(
        rf"(?:am|have turned|turned|have just turned|just turned|am about) (?P<v>{_NUMBER})"
        rf"(?: ?(?:years? old|yrs? old|years? of age|yo\b|y/o|yr old|years young))?"
        rf"(?: (?:now|last|this|yesterday|today|on|in|a few|two|\w+ \w+ "
        rf"ago).*|)\s*(?=$|[,!]|\.(?!\d))",
        "age",
        "{who} is <value> years old.",
    ),
    rule(
        rf"(?:am )?(?:turning|turn|will be|will turn|going to be|going to turn) (?P<v>{_NUMBER})\b"
        rf"(?: years old)?(?P<when>.*)",
        "turns",
        "{who} turns <value> <when>.",
        FactKind.DATE,
    ),
    rule(
        rf"(?:was )?born (?:on|in) (?P<v>.*{MONTH}.*)",
        "birth_date",
        "{who} was born on <value>.",
        FactKind.DATE,
    ),
    rule(
        r"am (?P<v>\d(?:[.,]\d+)? ?(?:m|metres?|meters?|ft|feet|foot)\b.*|\d'\d{1,2}\"?|"
        r"\d{3} ?cm|\d+ (?:foot|feet) \d+)(?: tall)?",
        "height",
        "{who} measures <value>.",
        FactKind.TRAIT,
    ),
)
WORK = (
    rule(
        r"(?:work|am working|have (?:worked|been working)|am employed)"
        r" (?:in|at|for|with) (?P<w>.+?) "
        r"as (?:an? |the )?(?P<v>.+)",
        "works_as",
        "{who} works as <a value> at <w>.",
    ),
    rule(
        r"(?:got|was|have been|have got|have just been|been) promoted to (?P<v>.+)",
        "works_as",
        "{who} works as <a value>.",
        article=False,
    ),
    rule(
        r"work (?P<v>nights|(?:night|day|late|early|rotating) shifts?|from home|remotely|part-time|"
        r"full-time|shifts|freelance|weekends|on weekends)\b",
        "works_how",
        "{who} works <value>.",
    ),
    rule(
        r"(?:do not|no longer|am no longer|am not) (?:work|working|employed)(?: as|) (?:an? )?"
        r"(?P<v>(?!at |for |in |with |on ).+)",
        "works_as",
        "{who} no longer works as <a value>.",
        ends=True,
    ),
    rule(
        r"(?:do not|no longer|am no longer|am not) (?:work|working|employed) (?P<where>for|at|in|"
        r"with) (?P<v>.+)",
        "works_at",
        "{who} no longer works <where> <value>.",
        ends=True,
    ),
    rule(
        r"am (?:no longer|not) (?:an? )?(?P<v>(?:[\w-]+ ){0,3}?" + _JOB_WORDS + r")\b",
        "works_as",
        "{who} no longer works as <a value>.",
        ends=True,
    ),
    rule(
        r"(?:have )?(?:just )?(?:quit|left|lost|gave up|resigned from|"
        r"got fired from|was fired from|"
        r"was laid off from)(?: my| the)? job(?: (?:as|at|with|in) (?P<v>.+)|.*)",
        "works_as+works_at",
        "{who} left their job.",
        fixed="",
        ends=True,
    ),
    rule(
        r"(?:used to work|worked) as (?P<v>.+)",
        "worked_as",
        "{who} used to work as <a value>.",
        article=False,
    ),
    rule(
        r"(?:used to be|was)(?: an?)? (?P<v>.*" + _JOB_WORDS + r"\b.*)",
        "worked_as",
        "{who} used to work as <a value>.",
        article=False,
    ),
    rule(
        r"(?:(?:have )?(?:worked|been working)|work|am working|started "
        r"working|have started working|"
        r"am employed|got a (?:new )?job|have got a (?:new )?job|have a (?:new )?job|"
        r"found a (?:new )?job|started(?: a new job)?|earn my living|earn a living|make a living|"
        r"make my living|moonlight|freelance)"
        r"(?: part-time| full-time| remotely| freelance| nights)* as (?:an? |the )?"
        r"(?P<v>.+?)(?: (?:at|for|with) (?P<w>.+)|)$",
        "works_as",
        "{who} works as <a value>.",
    ),
    rule(
        r"(?:am|have been|have become|became|have just become|am now) "
        r"(?:an? |the )(?P<v>(?:[\w-]+ )"
        r"{0,4}?" + _JOB_WORDS + r"\b(?: (?:at|for|in|on|with) [^,.]+)?)",
        "works_as",
        "{who} works as <a value>.",
    ),
    rule(
        r"(?:work|am working|have (?:worked|been working)|got hired|(?:got|"
        r"found|landed|started|have) a (?:new )?job|am employed|"
        r"have a job|volunteer)(?: part-time| full-time| nights| remotely| shifts| a lot)* "
        r"(?P<where>at|for|with|in) (?P<v>(?!it\b|my way|this|that|nights|getting|"
        r"finding|becoming|being|the weekend|monday|a project|something)(?:.+))",
        "works_at",
        "{who} works <where> <value>.",
    ),
    rule(
        r"(?:do|write|make|sell|build|fix|paint|repair|design|teach|drive|cook|bake) "
        r"(?P<v>.+?) for (?:a living|work|my job)",
        "works_as",
        "{who} does <value> for a living.",
    ),
    rule(
        r"(?:run|own|manage|opened|have opened|started|founded|co-founded) (?P<v>(?:an?|my own|the|"
        r"our own|our) (?:[\w-]+ ){0,3}?"
        r"(?:business|company|startup|start-up|bakery|shop|store|caf[e\u00e9]|restaurant|bar|pub|"
        r"studio|farm|agency|salon|garage|school|bookshop|bookstore|brewery|gallery|clinic|firm|"
        r"practice|workshop|channel|podcast|blog|hotel|hostel|food truck|gym|kennel|vineyard)\b.*)",
        "business",
        "{who} runs <value>.",
    ),
    rule(
        r"(?:teach|am teaching|have been teaching|have taught) (?P<v>.+)",
        "teaches",
        "{who} teaches <value>.",
    ),
    rule(
        r"volunteer (?P<where>at|for|with|in|as) (?P<v>.+)",
        "volunteers",
        "{who} volunteers <where> <value>.",
    ),
    rule(
        r"(?:serve|am serving|served) in (?P<v>the (?:army|navy|air force|military|marines).*)",
        "works_at",
        "{who} serves in <value>.",
    ),
    rule(
        r"(?:graduated|have graduated) (?:from|in|with) (?P<v>.+)",
        "studied",
        "{who} graduated from <value>.",
    ),
    rule(
        r"(?:studied|majored in|have studied|used to study) (?P<v>.+)",
        "studied",
        "{who} studied <value>.",
    ),
    rule(
        r"(?:have|got|hold|completed|finished|am doing|am getting|am finishing|do|am working on|"
        r"am pursuing|started|am in the middle of|have started) "
        r"(?:an? |my |the )?(?P<v>(?:phd|ph\.d\.?|doctorate|master'?s?(?: degree)?|bachelor'?s?"
        r"(?: degree)?|degree|diploma|mba|apprenticeship|traineeship|internship|"
        r"thesis|dissertation)"
        r"\b.*)",
        "studies",
        "{who} does or has a degree: <value>.",
    ),
    rule(
        r"(?:study|am studying|have been studying|started studying|am majoring in|major in|"
        r"am enrolled in|have started studying) (?!for|hard|a lot|with)(?P<v>.+?)"
        r"(?: (?:at|in) (?P<w>(?:the )?[A-Z].+)|)$",
        "studies",
        "{who} studies <value>.",
    ),
    rule(
        r"(?:go to|attend|am at|am going to|study at|am a student at|am studying at) "
        r"(?P<v>(?:the )?(?:\w+ )*(?:university|college|uni|school|academy|institute)\b.*)",
        "studies_at",
        "{who} studies at <value>.",
    ),
    rule(
        r"am (?:in|a) (?P<v>(?:\w+ )?(?:year|grade|form|semester|high school|college|university|"
        r"freshman|sophomore|junior|senior)\b.*)",
        "school_year",
        "{who} is in <value>.",
    ),
)
HEALTH = (
    rule(
        r"(?:am|have been|was)(?: \w+ly)? allergic to (?P<v>.+)",
        "allergy",
        "{who} is allergic to <value>.",
        many=True,
    ),
    rule(
        r"(?:have|suffer from|got|developed|have developed) (?:an? )?(?:\w+ly |serious |bad |"
        r"terrible |nasty |life-threatening |)(?P<v>[\w -]+?) (?P<what>allergy|"
        r"allergies|intolerance)",
        "allergy",
        "{who} has a <value> <what>.",
    ),
    rule(
        r"(?:get|break out in|got) (?:hives|sick|a rash|a reaction|itchy|an allergic reaction|"
        r"swollen) (?:from|when i eat|if i eat|after eating) (?P<v>.+)",
        "allergy",
        "{who} is allergic to <value>.",
        many=True,
    ),
    rule(
        r"have (?:an? )?(?:\w+ )?allerg(?:y|ies) to (?P<v>.+)",
        "allergy",
        "{who} is allergic to <value>.",
        many=True,
    ),
    rule(
        r"(?:am|have been) (?:not allergic|no longer allergic) to (?P<v>.+)",
        "allergy",
        "{who} is not allergic to <value>.",
        ends=True,
    ),
    rule(
        rf"(?:am no longer|am not|stopped being|have stopped being) (?:an? )?{_DIETS}",
        "diet",
        "{who} is no longer <value>.",
        ends=True,
    ),
    rule(
        rf"(?:am|have been|became|went|have become|have gone|turned|follow an?|eat|keep|"
        rf"am on an?|am going) {_DIETS}\b",
        "diet",
        "{who} is <value>.",
    ),
    rule(
        r"can not have (?P<v>.+)",
        "avoids",
        "{who} cannot have <value>.",
        FactKind.PREFERENCE,
        many=True,
    ),
    *(
        rule(
            rf"(?:do not|no longer|can not|never|stopped|have stopped|quit) (?:{act}|{act}ing) "
            r"(?P<v>(?!any ?more|in \d)\S.+)",
            "avoids",
            f"{{who}} does not {act} <value>.",
            FactKind.PREFERENCE,
            many=True,
        )
        for act in ("eat", "drink", "smoke", "touch", "tolerate", "watch")
    ),
    rule(
        r"(?:do not|never) (?P<v>smoke|drink|drive|swim|cook|vote)\b",
        "avoids",
        "{who} does not <value>.",
        FactKind.PREFERENCE,
    ),
    rule(
        r"(?:quit|stopped|gave up|have quit|have stopped|have given up) (?P<v>smoking|drinking|"
        r"vaping|alcohol|sugar|coffee|meat|caffeine|gluten|dairy)\b",
        "avoids",
        "{who} gave up <value>.",
        FactKind.PREFERENCE,
    ),
    rule(r"am (?P<v>[\w-]+ intolerant|intolerant to .+)", "allergy", "{who} is <value>."),
    rule(
        rf"(?:have|suffer from|was diagnosed with|have been diagnosed with|live with|struggle with|"
        rf"have had|got diagnosed with) {_CONDITIONS}",
        "health",
        "{who} has <value>.",
    ),
    rule(r"(?:was|have been|got) diagnosed with (?P<v>.+)", "health", "{who} has <value>."),
    rule(
        r"wear (?P<v>glasses|contact lenses|contacts|a hearing aid|hearing aids|braces|a wig)",
        "wears",
        "{who} wears <value>.",
        FactKind.TRAIT,
    ),
)
STANDING = (
    rule(
        r"am an? (?P<v>aries|taurus|gemini|leo|virgo|libra|scorpio|sagittarius|capricorn|aquarius|"
        r"pisces)\b",
        "star_sign",
        "{who}'s star sign is <value>.",
        FactKind.TRAIT,
    ),
    rule(
        r"(?:have no|do not have(?: any)?) (?P<v>siblings|kids|children|pets|brothers|sisters|"
        r"allergies|tattoos|partner|driving licen[cs]e)\b",
        "has_no",
        "{who} has no <value>.",
    ),
    rule(
        r"can not (?P<v>swim|drive|cook|dance|sing|whistle|ride a bike|ride a bicycle|see well|"
        r"hear well|smell|read music|read maps)\b",
        "trait",
        "{who} cannot <value>.",
        FactKind.TRAIT,
    ),
    rule(
        r"(?:am not|am no longer) (?:(?:in a|my) )?(?P<v>married|single|engaged|relationship)"
        + _GONE,
        "relationship_status",
        "{who} is no longer <value>.",
        ends=True,
    ),
    rule(
        rf"(?:am|have been|got|have just got|have gotten|just got|am newly|became) {_STATUSES}"
        rf"(?! in| on| this| next)(?: to (?P<w>[A-Z]\w+)|)",
        "relationship_status",
        "{who} is <value>.",
        FactKind.RELATIONSHIP,
    ),
    rule(rf"am (?:a |an |)(?:proud |)(?:\w+-|){NATIONALITY}", "nationality", "{who} is <value>."),
    rule(
        rf"(?:am|have always been|was born|have been) (?:an? |the )?(?:bit |very |)?{_TRAITS}",
        "trait",
        "{who} is <value>.",
        FactKind.TRAIT,
    ),
)
