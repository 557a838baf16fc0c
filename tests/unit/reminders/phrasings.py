"""Phrasings and what they mean, worked out by hand with a calendar.

A line is ``phrase | when | rule | text``: ``ask`` stands for a question, and what is left out at
the end is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasing:
    """One phrase, said at ``now`` in ``zone``; ``when`` is ISO 8601 or ``ask``."""

    zone: ZoneInfo
    now: datetime
    said: str
    when: str
    rrule: str | None
    text: str


BERLIN = """
at 5pm | 2026-11-18T17:00+01:00
at 5 pm | 2026-11-18T17:00+01:00
at 5 p.m. | 2026-11-18T17:00+01:00
At 5PM! | 2026-11-18T17:00+01:00
5pm | 2026-11-18T17:00+01:00
@ 5pm | 2026-11-18T17:00+01:00
at 9am | 2026-11-19T09:00+01:00
at 10am | 2026-11-19T10:00+01:00
at 10:01am | 2026-11-18T10:01+01:00
at 17:00 | 2026-11-18T17:00+01:00
at 17.45 | 2026-11-18T17:45+01:00
17:00 | 2026-11-18T17:00+01:00
at 17:00:30 | 2026-11-18T17:00:30+01:00
at 09:30 | 2026-11-19T09:30+01:00
at 00:15 | 2026-11-19T00:15+01:00
at 23:59 | 2026-11-18T23:59+01:00
at 24:00 | 2026-11-19T00:00+01:00
at 25:00 | ask
at 9:75 | ask
at 13pm | ask
at 0pm | ask
at noon | 2026-11-18T12:00+01:00
at midnight | 2026-11-19T00:00+01:00
tonight at midnight | 2026-11-19T00:00+01:00
tomorrow at midnight | ask
12am | 2026-11-19T00:00+01:00
12:30pm | 2026-11-18T12:30+01:00
at 5 | ask
at 9 | ask
at five | ask
at 12 | ask
at 5:30 | ask
at half past five | ask
at 5 o'clock | ask
today at 9 | 2026-11-18T21:00+01:00
today at 11 | ask
today at 11pm | 2026-11-18T23:00+01:00
today at 9am | ask
this morning at 9 | ask
at 5 in the afternoon | 2026-11-18T17:00+01:00
at 7 in the morning | 2026-11-19T07:00+01:00
at seven in the evening | 2026-11-18T19:00+01:00
at 8pm in the morning | ask
tonight at 8 | 2026-11-18T20:00+01:00
tonight at 8am | ask
tonight at 2 | ask
this evening at 6 | 2026-11-18T18:00+01:00
this afternoon | ask
half past six tomorrow evening | 2026-11-19T18:30+01:00
a quarter past seven tomorrow morning | 2026-11-19T07:15+01:00
quarter to 6pm | 2026-11-18T17:45+01:00
ten past 6pm | 2026-11-18T18:10+01:00
at twenty to six this evening | 2026-11-18T17:40+01:00
at twenty-five past eight pm | 2026-11-18T20:25+01:00
half an hour before 6pm | 2026-11-18T17:30+01:00
15 minutes before noon tomorrow | 2026-11-19T11:45+01:00
an hour after 6pm | 2026-11-18T19:00+01:00
half an hour before midnight | 2026-11-18T23:30+01:00
2 days before 25 December at 9am | 2026-12-23T09:00+01:00
a week before 25 December | 2026-12-18T09:00+01:00
an hour before 10:30 | ask
an hour before 10:30am | ask
30 minutes before the meeting | ask
tomorrow at 9am | 2026-11-19T09:00+01:00
tomorrow 9am | 2026-11-19T09:00+01:00
9am tomorrow | 2026-11-19T09:00+01:00
tomorrow at 9 | 2026-11-19T09:00+01:00
tomorrow at 5 | ask
tomorrow at 12 | 2026-11-19T12:00+01:00
tomorrow at noon | 2026-11-19T12:00+01:00
tomorrow | ask
tomorrow morning | ask
the day after tomorrow at 10am | 2026-11-20T10:00+01:00
yesterday at 5pm | ask
in an hour | 2026-11-18T11:00+01:00
in one hour | 2026-11-18T11:00+01:00
in 5m | 2026-11-18T10:05+01:00
in 5 min | 2026-11-18T10:05+01:00
in 1h30m | 2026-11-18T11:30+01:00
in 1h30 | 2026-11-18T11:30+01:00
in 1h 30m | 2026-11-18T11:30+01:00
in 2 hours and 15 minutes | 2026-11-18T12:15+01:00
in 1.5 hours | 2026-11-18T11:30+01:00
in an hour and a half | 2026-11-18T11:30+01:00
in one and a half hours | 2026-11-18T11:30+01:00
in half an hour | 2026-11-18T10:30+01:00
in a quarter of an hour | 2026-11-18T10:15+01:00
in three quarters of an hour | 2026-11-18T10:45+01:00
in twenty-five minutes | 2026-11-18T10:25+01:00
in 90 seconds | 2026-11-18T10:01:30+01:00
20 minutes from now | 2026-11-18T10:20+01:00
10 minutes | 2026-11-18T10:10+01:00
in 3 days | 2026-11-21T10:00+01:00
in 2 days at 9am | 2026-11-20T09:00+01:00
in two weeks | 2026-12-02T10:00+01:00
in two weeks' time | 2026-12-02T10:00+01:00
in a fortnight | 2026-12-02T10:00+01:00
in a month | 2026-12-18T10:00+01:00
in a year | 2027-11-18T10:00+01:00
in half a year | 2027-05-18T10:00+02:00
in 2 hours at 5pm | ask
in 0 minutes | ask
in -5 minutes | ask
in a few minutes | ask
in a couple of hours | ask
in 999999999 hours | ask
in 5000 years | ask
friday at 10 | 2026-11-20T10:00+01:00
on friday at 3pm | 2026-11-20T15:00+01:00
fri 3pm | 2026-11-20T15:00+01:00
this friday at 6pm | 2026-11-20T18:00+01:00
friday at 5 | ask
friday | ask
friday evening at 7 | 2026-11-20T19:00+01:00
wednesday at 9am | 2026-11-25T09:00+01:00
wednesday at 5pm | ask
monday at 9am | 2026-11-23T09:00+01:00
next monday at 9am | 2026-11-23T09:00+01:00
next wednesday at 9am | 2026-11-25T09:00+01:00
next friday 10am | ask
next sunday at noon | ask
friday next week at 3pm | 2026-11-27T15:00+01:00
next week on tuesday at 9am | 2026-11-24T09:00+01:00
sunday next week at 3pm | ask
next week | ask
next month | ask
this weekend | ask
last friday at 5pm | ask
on 2026-12-25 | 2026-12-25T09:00+01:00
on 2026-12-25 at 5pm | 2026-12-25T17:00+01:00
2026-12-25 10:00 | 2026-12-25T10:00+01:00
2026-12-25T10:00 | 2026-12-25T10:00+01:00
on 2026-11-17 at 9am | ask
on 2026-13-01 | ask
on 2026-02-30 | ask
on 2027-02-29 at noon | ask
on 25 December at noon | 2026-12-25T12:00+01:00
on the 25th of December at 6pm | 2026-12-25T18:00+01:00
on December 25 at 6pm | 2026-12-25T18:00+01:00
Dec 25th, 2027 at 6pm | 2027-12-25T18:00+01:00
on 3 March at 9am | 2027-03-03T09:00+01:00
on 29 February at noon | 2028-02-29T12:00+01:00
on 30 February at 5pm | ask
on 31 April at 5pm | ask
on the 1st at 9am | 2026-12-01T09:00+01:00
on the 20th at 9am | 2026-11-20T09:00+01:00
on the 32nd at 9am | ask
on 03/04/2026 | ask
on 03/04/2027 at 5pm | ask
on 25/12/2026 at 5pm | 2026-12-25T17:00+01:00
on 12/25/2026 at 5pm | 2026-12-25T17:00+01:00
on 25/12 at 5pm | 2026-12-25T17:00+01:00
on 5/5/2027 at noon | 2027-05-05T12:00+02:00
friday 20 November at 5pm | 2026-11-20T17:00+01:00
friday 21 November at 5pm | ask
end of the month | 2026-11-30T09:00+01:00
at the end of next month at 5pm | 2026-12-31T17:00+01:00
end of the year at noon | 2026-12-31T12:00+01:00
in December | ask
at christmas | ask
tomorrow on monday at 9am | ask
tomorrow, thursday, at 9am | 2026-11-19T09:00+01:00
at 5pm and 7pm | ask
at 5pm or 6pm | ask
from 9 to 5 | ask
5-6pm | ask
by 5pm | ask
after 5pm | ask
around 5pm | 2026-11-18T17:00+01:00
soon | ask
later | ask
mon-fri at 9am | ask
friday week at 9am | ask
friday the 13th at 9am | ask
on monday the 23rd at 9am | 2026-11-23T09:00+01:00
every friday the 13th at 9am | ask
the 5th at 9am | ask
12/25 at 5pm | ask
3 march at 5pm | ask
in 1 hour 30 | ask
in 5 business days at 5pm | ask
once a week on monday at 9am | ask
every december at 5pm | ask
next weekday at 9am | ask
new year's eve at 11pm | ask
some day at 5pm | ask
at 5pm EST | ask
at 5pm New York time | ask
5 pm sharp | 2026-11-18T17:00+01:00
in exactly 10 minutes | 2026-11-18T10:10+01:00
buy milk | ask || buy milk
remind me to buy milk | ask || buy milk
to buy milk tomorrow at 5pm | 2026-11-19T17:00+01:00 || buy milk
to do list at 5pm | 2026-11-18T17:00+01:00 || to do list
me to buy milk tomorrow at 5pm | 2026-11-19T17:00+01:00 || buy milk
me tomorrow at 5pm to buy milk | 2026-11-19T17:00+01:00 || buy milk
mich morgen um 17 Uhr an die Milch | 2026-11-19T17:00+01:00 || die Milch
remind me to buy milk tomorrow at 5pm | 2026-11-19T17:00+01:00 || buy milk
remind me tomorrow at 5pm to buy milk | 2026-11-19T17:00+01:00 || buy milk
tomorrow at 9 remind me to call mum | 2026-11-19T09:00+01:00 || call mum
Could you please remind me in 10 minutes to check the oven? | 2026-11-18T10:10+01:00 || check the oven?
set a reminder for tomorrow at 9am to call Bob | 2026-11-19T09:00+01:00 || call Bob
remind me about the dentist on friday at 3pm | 2026-11-20T15:00+01:00 || the dentist
remind me at 5pm that I have a call | 2026-11-18T17:00+01:00 || I have a call
call tomorrow at 5pm the dentist | 2026-11-19T17:00+01:00 || call the dentist
at 5pm: feed the cat | 2026-11-18T17:00+01:00 || feed the cat
(tomorrow at 9am) water plants | 2026-11-19T09:00+01:00 || water plants
buy 3 apples at 5pm | 2026-11-18T17:00+01:00 || buy 3 apples
call room 205 in 10 minutes | 2026-11-18T10:10+01:00 || call room 205
watch 24 at 8pm | 2026-11-18T20:00+01:00 || watch 24
may the force be with you at 5pm | 2026-11-18T17:00+01:00 || may the force be with you
pay 5.30 to Ann at 6pm | 2026-11-18T18:00+01:00 || pay 5.30 to Ann
boil eggs for 10 minutes at 5pm | 2026-11-18T17:00+01:00 || boil eggs for 10 minutes
buy sun cream at 5pm | 2026-11-18T17:00+01:00 || buy sun cream
finish friday's report at 5pm | 2026-11-18T17:00+01:00 || finish friday's report
wait a second at 5pm | 2026-11-18T17:00+01:00 || wait a second
catch the 5pm train tomorrow | ask
prepare the monday meeting at 5pm | ask
prepare for monday at 5pm | ask
march 3 miles at 5pm | ask
look at 10 houses tomorrow | ask
on the first floor at 5pm | ask
read John 3:16 at 5pm | ask
read #5pm | ask || read #5pm
walk the dog 20 minutes | ask
٣pm | ask
in ٥ minutes | ask
every weekday at 9 | 2026-11-19T09:00+01:00 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0
weekdays at 9am stretch | 2026-11-19T09:00+01:00 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0 | stretch
every day at 9am | 2026-11-19T09:00+01:00 | FREQ=DAILY;BYHOUR=9;BYMINUTE=0
every day at 17:30 | 2026-11-18T17:30+01:00 | FREQ=DAILY;BYHOUR=17;BYMINUTE=30
every day at noon | 2026-11-18T12:00+01:00 | FREQ=DAILY;BYHOUR=12;BYMINUTE=0
every day at midnight | 2026-11-19T00:00+01:00 | FREQ=DAILY;BYHOUR=0;BYMINUTE=0
every morning at 7 | 2026-11-19T07:00+01:00 | FREQ=DAILY;BYHOUR=7;BYMINUTE=0
every evening at 8 | 2026-11-18T20:00+01:00 | FREQ=DAILY;BYHOUR=20;BYMINUTE=0
every night at 10 | 2026-11-18T22:00+01:00 | FREQ=DAILY;BYHOUR=22;BYMINUTE=0
daily at 9am | 2026-11-19T09:00+01:00 | FREQ=DAILY;BYHOUR=9;BYMINUTE=0
every day | ask
every day at 5 | ask
every morning | ask
every monday at 8am | 2026-11-23T08:00+01:00 | FREQ=WEEKLY;BYDAY=MO;BYHOUR=8;BYMINUTE=0
mondays at 8am | 2026-11-23T08:00+01:00 | FREQ=WEEKLY;BYDAY=MO;BYHOUR=8;BYMINUTE=0
every monday and thursday at 8am | 2026-11-19T08:00+01:00 | FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=8;BYMINUTE=0
every mon, wed and fri at 6pm gym | 2026-11-18T18:00+01:00 | FREQ=WEEKLY;BYDAY=MO,WE,FR;BYHOUR=18;BYMINUTE=0 | gym
every weekend at 10am | 2026-11-21T10:00+01:00 | FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=10;BYMINUTE=0
every week on friday at 4pm | 2026-11-20T16:00+01:00 | FREQ=WEEKLY;BYDAY=FR;BYHOUR=16;BYMINUTE=0
every week at 9am | ask
every other tuesday at 18:00 | 2026-11-24T18:00+01:00 | FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=18;BYMINUTE=0
every two weeks on friday at 10am | 2026-11-20T10:00+01:00 | FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;BYHOUR=10;BYMINUTE=0
every second tuesday at 10am | ask
every second tuesday of the month at 10am | 2026-12-08T10:00+01:00 | FREQ=MONTHLY;BYDAY=2TU;BYHOUR=10;BYMINUTE=0
every other day at 9am | 2026-11-19T09:00+01:00 | FREQ=DAILY;INTERVAL=2;BYHOUR=9;BYMINUTE=0
every 3 days at 6pm | 2026-11-18T18:00+01:00 | FREQ=DAILY;INTERVAL=3;BYHOUR=18;BYMINUTE=0
every 2 hours | 2026-11-18T12:00+01:00 | FREQ=HOURLY;INTERVAL=2
every hour drink water | 2026-11-18T11:00+01:00 | FREQ=HOURLY | drink water
hourly | 2026-11-18T11:00+01:00 | FREQ=HOURLY
every half hour | 2026-11-18T10:30+01:00 | FREQ=MINUTELY;INTERVAL=30
every 90 minutes | 2026-11-18T11:30+01:00 | FREQ=MINUTELY;INTERVAL=90
every 10 seconds | ask
every 2 hours at 5pm | ask
every few days | ask
every hour and a half | ask
biweekly on monday at 9am | ask
every month on the 1st at 9 | 2026-12-01T09:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=9;BYMINUTE=0
monthly on the 15th at noon | 2026-12-15T12:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=15;BYHOUR=12;BYMINUTE=0
on the 20th of every month at 6pm | 2026-11-20T18:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=20;BYHOUR=18;BYMINUTE=0
every month at 9 on the 5th | 2026-12-05T09:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=5;BYHOUR=9;BYMINUTE=0
every month on the 31st at 9am | ask
every month | ask
on the last day of every month at 5pm | 2026-11-30T17:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=17;BYMINUTE=0
every last friday | 2026-11-27T09:00+01:00 | FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9;BYMINUTE=0
every first monday of the month at 10am | 2026-12-07T10:00+01:00 | FREQ=MONTHLY;BYDAY=1MO;BYHOUR=10;BYMINUTE=0
on the last friday of every month at 4pm | 2026-11-27T16:00+01:00 | FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=16;BYMINUTE=0
every 2 months on the 1st at 9am | 2026-12-01T09:00+01:00 | FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1;BYHOUR=9;BYMINUTE=0
every year on 25 December at 9am | 2026-12-25T09:00+01:00 | FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25;BYHOUR=9;BYMINUTE=0
every 3rd of May at noon | 2027-05-03T12:00+02:00 | FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=3;BYHOUR=12;BYMINUTE=0
every year on 29 February at noon | ask
every day at 9am until friday | ask
every weekday except monday at 9am | ask
daily standup at 9am | ask
2026-12-25T10:00:00+01:00 | ask
2026-12-25T10:00:00Z | ask
2026-12-25T10:00:00 | 2026-12-25T10:00+01:00
meeting 15:00-16:00 on 2026-12-25 | ask
9-10am on 25 December | ask
at 1700 on 25 December | ask
on 25 December at lunchtime | ask
early on 25 December | ask
on friday 13 at 9am | ask
ask Sun at 5pm | ask
movie "Friday Night Lights" at 8pm | ask
watch "Tomorrow" at 8pm | ask
"tomorrow at 8pm" | 2026-11-19T20:00+01:00
every monday at 9am for 3 weeks | ask
in an hour or two | ask
in 2-3 hours | ask
every day at 5pm and every monday at 9am | ask
every day at 9 and 5 | ask
in an hour and 5 | ask
not at 5pm | ask
don't remind me at 5pm | ask
do not remind me at 5pm | ask
don't forget the milk at 5pm | 2026-11-18T17:00+01:00 || don't forget the milk
friday after next at 5pm | ask
the following friday at 5pm | ask
5pm the day after | ask
on the day before the exam at 5pm | ask
call Ann 2 days later at 5pm | ask
6pm minus 10 minutes | ask
in 10 minutes ago | ask
tomorow at 11am | ask
2moro at 11am | ask
firday 5pm | ask
buy a sundae at 5pm | 2026-11-18T17:00+01:00 || buy a sundae
weds 9am | 2026-11-25T09:00+01:00
2026-W48-1 11am | ask
20261125 11am | ask
half five pm | ask
at 5pm (UTC+2) | ask
every leap day at 11am | ask
every now and then at 11am | ask
every two mondays at 9am | ask
call every customer at 5pm | 2026-11-18T17:00+01:00 || call every customer
call Ann on her birthday at 5pm | ask
buy a birthday card at 5pm | 2026-11-18T17:00+01:00 || buy a birthday card
prepare tomorrow's talk at 5pm | ask
Sat & Sun at 10am | ask
at :30 every hour | ask
every hour at :15 | ask
every hour on the hour | ask
in 11:30 | ask
in 1,000 minutes | ask
in 1.000 minutes | ask
in 1.500 hours | ask
in 1.25 hours | 2026-11-18T11:15+01:00
evry day at 11am | ask
ever day at 11am | ask
"""  # noqa: E501

GERMAN = """
nicht um 17 Uhr | ask
erinnere mich nicht um 17 Uhr | ask
erinnere mich um 17 Uhr daran, nicht zu rauchen | 2026-11-18T17:00+01:00 || nicht zu rauchen
am Morgen des 24. um 8 | ask
So um 18 Uhr | ask
am So um 18 Uhr | ask
Di. 18:00 | ask
so viel wie möglich trinken um 18 Uhr | 2026-11-18T18:00+01:00 || so viel wie möglich trinken
morgen um 9 Uhr | 2026-11-19T09:00+01:00
morgen um 17 Uhr | 2026-11-19T17:00+01:00
morgen um 17 Uhr 30 | 2026-11-19T17:30+01:00
morgen um 17.30 Uhr | 2026-11-19T17:30+01:00
um 17 Uhr | 2026-11-18T17:00+01:00
gegen 17 Uhr | 2026-11-18T17:00+01:00
um 5 | ask
um 5 Uhr | ask
um 9 Uhr | ask
morgen früh um 7 | 2026-11-19T07:00+01:00
morgen Abend um 8 | 2026-11-19T20:00+01:00
morgen | ask
heute Abend um halb acht | 2026-11-18T19:30+01:00
heute um 18 Uhr | 2026-11-18T18:00+01:00
heute Nachmittag um 4 | 2026-11-18T16:00+01:00
heute Mittag um 12 | 2026-11-18T12:00+01:00
heute Nacht um 2 | ask
um 3 Uhr nachts | 2026-11-19T03:00+01:00
um 8 Uhr abends | 2026-11-18T20:00+01:00
wochentags um 17 Uhr | ask
in einem Vierteljahr um 17 Uhr | ask
übermorgen um 14 Uhr | 2026-11-20T14:00+01:00
viertel nach sieben morgen früh | 2026-11-19T07:15+01:00
um viertel vor acht heute Abend | 2026-11-18T19:45+01:00
um dreiviertel acht heute Abend | 2026-11-18T19:45+01:00
um viertel acht heute Abend | ask
um fünf vor halb acht heute Abend | 2026-11-18T19:25+01:00
um zehn nach acht heute Abend | 2026-11-18T20:10+01:00
in einer halben Stunde | 2026-11-18T10:30+01:00
in einer Stunde | 2026-11-18T11:00+01:00
in anderthalb Stunden | 2026-11-18T11:30+01:00
in zweieinhalb Stunden | 2026-11-18T12:30+01:00
in einer Viertelstunde | 2026-11-18T10:15+01:00
in fünfundzwanzig Minuten | 2026-11-18T10:25+01:00
in 5 Min | 2026-11-18T10:05+01:00
in 1,5 Stunden | 2026-11-18T11:30+01:00
in drei Tagen um 18 Uhr | 2026-11-21T18:00+01:00
in zwei Wochen | 2026-12-02T10:00+01:00
in einem Monat | 2026-12-18T10:00+01:00
in ein paar Minuten | ask
eine halbe Stunde vor 18 Uhr | 2026-11-18T17:30+01:00
am Freitag um 15 Uhr | 2026-11-20T15:00+01:00
Freitagabend um 8 | 2026-11-20T20:00+01:00
Freitag um 10 | 2026-11-20T10:00+01:00
diesen Freitag um 10 | 2026-11-20T10:00+01:00
kommenden Freitag um 10 | 2026-11-20T10:00+01:00
nächsten Freitag um 10 | ask
nächsten Montag um 10 | 2026-11-23T10:00+01:00
nächste Woche Freitag um 15 Uhr | 2026-11-27T15:00+01:00
am 25. Dezember um 12 Uhr | 2026-12-25T12:00+01:00
am 25.12.2026 um 18:30 | 2026-12-25T18:30+01:00
am 3.5. um 14 Uhr | 2027-05-03T14:00+02:00
am 24.12. | 2026-12-24T09:00+01:00
am 31.2. um 9 Uhr | ask
am 1. um 9 Uhr | 2026-12-01T09:00+01:00
Ende des Monats | 2026-11-30T09:00+01:00
um 17 Uhr und um 19 Uhr | ask
bis 17 Uhr | ask
jeden Werktag um 9 | 2026-11-19T09:00+01:00 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0
jeden Tag um 18 Uhr | 2026-11-18T18:00+01:00 | FREQ=DAILY;BYHOUR=18;BYMINUTE=0
täglich um 18:15 | 2026-11-18T18:15+01:00 | FREQ=DAILY;BYHOUR=18;BYMINUTE=15
jeden Morgen um 7 | 2026-11-19T07:00+01:00 | FREQ=DAILY;BYHOUR=7;BYMINUTE=0
jeden Montag und Donnerstag um 9 Uhr | 2026-11-19T09:00+01:00 | FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0
montags um 18 Uhr | 2026-11-23T18:00+01:00 | FREQ=WEEKLY;BYDAY=MO;BYHOUR=18;BYMINUTE=0
jeden zweiten Tag um 9 | 2026-11-19T09:00+01:00 | FREQ=DAILY;INTERVAL=2;BYHOUR=9;BYMINUTE=0
alle 2 Stunden trinken | 2026-11-18T12:00+01:00 | FREQ=HOURLY;INTERVAL=2 | trinken
alle zwei Wochen am Freitag um 10 | 2026-11-20T10:00+01:00 | FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;BYHOUR=10;BYMINUTE=0
am 1. jedes Monats um 9 | 2026-12-01T09:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=9;BYMINUTE=0
jeden Monat am 15. um 12 Uhr | 2026-12-15T12:00+01:00 | FREQ=MONTHLY;BYMONTHDAY=15;BYHOUR=12;BYMINUTE=0
jeden letzten Freitag im Monat um 16 Uhr | 2026-11-27T16:00+01:00 | FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=16;BYMINUTE=0
jedes Jahr am 3. Mai um 12 Uhr | 2027-05-03T12:00+02:00 | FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=3;BYHOUR=12;BYMINUTE=0
Milch kaufen | ask || Milch kaufen
erinnere mich morgen um 17:30 daran, Milch zu kaufen | 2026-11-19T17:30+01:00 || Milch zu kaufen
erinnere mich an die Milch in 10 Minuten | 2026-11-18T10:10+01:00 || die Milch
kannst du mich morgen um 9 daran erinnern, Milch zu kaufen? | 2026-11-19T09:00+01:00 || Milch zu kaufen?
kaufe morgen Milch um 9 Uhr | 2026-11-19T09:00+01:00 || kaufe Milch
3 Äpfel kaufen um 17 Uhr | 2026-11-18T17:00+01:00 || 3 Äpfel kaufen
sag guten Morgen um 18 Uhr | 2026-11-18T18:00+01:00 || sag guten Morgen
"""  # noqa: E501

BERLIN_SPRING = """
on 2026-03-29 at 02:30 | ask
tomorrow at 02:30 | ask
at 02:30 | ask
tomorrow at 03:00 | 2026-03-29T03:00+02:00
tomorrow at 01:59 | 2026-03-29T01:59+01:00
in 24 hours | 2026-03-29T13:00+02:00
in 1 day | 2026-03-29T12:00+02:00
every day at 02:30 | 2026-03-29T03:30+02:00 | FREQ=DAILY;BYHOUR=2;BYMINUTE=30
every day at 9am | 2026-03-29T09:00+02:00 | FREQ=DAILY;BYHOUR=9;BYMINUTE=0
half an hour before 03:00 tomorrow | 2026-03-29T01:30+01:00
"""
"""Said on Saturday noon; the clocks go from 2:00 to 3:00 in the night."""

BERLIN_AUTUMN = """
tomorrow at 02:30 | 2026-10-25T02:30+02:00
tomorrow at 03:00 | 2026-10-25T03:00+01:00
in 24 hours | 2026-10-25T11:00+01:00
in a day | 2026-10-25T12:00+01:00
every day at 9am | 2026-10-25T09:00+01:00 | FREQ=DAILY;BYHOUR=9;BYMINUTE=0
half an hour before 03:00 tomorrow | 2026-10-25T02:30+01:00
"""
"""Said on Saturday noon; 2:00 to 3:00 comes twice in the night."""

BERLIN_BETWEEN = """
at 02:30 | 2026-10-25T02:30+01:00
in 30 minutes | 2026-10-25T02:15+01:00
"""
"""Said at 2:45 of the first of the two hours, in summer time."""

NEW_YORK = """
at 5pm | 2026-03-05T17:00-05:00
at 2pm | 2026-03-06T14:00-05:00
tomorrow at 9am | 2026-03-06T09:00-05:00
next friday 10am | ask
friday at 10am | 2026-03-06T10:00-05:00
this friday at 10am | 2026-03-06T10:00-05:00
next thursday at 10am | 2026-03-12T10:00-04:00
next monday at 10am | 2026-03-09T10:00-04:00
sunday at 02:30 | ask
sunday at 2:30am | ask
sunday at 3:00am | 2026-03-08T03:00-04:00
in 3 days | 2026-03-08T14:30-04:00
in 72 hours | 2026-03-08T15:30-04:00
every weekday at 9 | 2026-03-06T09:00-05:00 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0
every thursday at 2pm | 2026-03-12T14:00-04:00 | FREQ=WEEKLY;BYDAY=TH;BYHOUR=14;BYMINUTE=0
on July 4 at 9pm | 2026-07-04T21:00-04:00
on 07/04/2026 at 9pm | ask
end of the month at 5pm | 2026-03-31T17:00-04:00
may 5 at noon | 2026-05-05T12:00-04:00
on 1 November at 1:30am | 2026-11-01T01:30-04:00
"""
"""Said on Thursday, 5 March 2026 at 14:30."""

KOLKATA = """
in an hour | 2026-07-16T00:30+05:30
tomorrow at 6pm | 2026-07-16T18:00+05:30
tonight at 8 | ask
today at 11:45pm | 2026-07-15T23:45+05:30
at midnight | 2026-07-16T00:00+05:30
at 9am | 2026-07-16T09:00+05:30
thursday at 9am | 2026-07-16T09:00+05:30
on 2026-08-15 at 8am flag | 2026-08-15T08:00+05:30 || flag
every sunday at 7pm | 2026-07-19T19:00+05:30 | FREQ=WEEKLY;BYDAY=SU;BYHOUR=19;BYMINUTE=0
in 45 minutes | 2026-07-16T00:15+05:30
in one week | 2026-07-22T23:30+05:30
"""
"""Said on Wednesday, 15 July 2026 at 23:30."""

LORD_HOWE = """
tomorrow at 02:15 | ask
tomorrow at 02:30 | 2026-10-04T02:30+11:00
tomorrow at 01:45 | 2026-10-04T01:45+10:30
in 24 hours | 2026-10-04T12:30+11:00
in a day | 2026-10-04T12:00+11:00
every day at 02:15 | 2026-10-04T02:45+11:00 | FREQ=DAILY;BYHOUR=2;BYMINUTE=15
at 6pm | 2026-10-03T18:00+10:30
"""
"""Said on Saturday, 3 October 2026 at noon; half an hour is skipped from 2:00."""

LORD_HOWE_AUTUMN = """
tomorrow at 01:45 | 2026-04-05T01:45+11:00
tomorrow at 02:00 | 2026-04-05T02:00+10:30
in 24 hours | 2026-04-05T11:30+10:30
every day at 9am | 2026-04-05T09:00+10:30 | FREQ=DAILY;BYHOUR=9;BYMINUTE=0
"""
"""Said on Saturday, 4 April 2026 at noon; half an hour comes twice before 2:00."""

ST_JOHNS = """
at 5pm | 2026-03-07T17:00-03:30
tomorrow at 02:30 | ask
tomorrow at 9am | 2026-03-08T09:00-02:30
in 24 hours | 2026-03-08T11:15-02:30
next monday at 9am | 2026-03-09T09:00-02:30
next sunday at 9am | ask
in 45 minutes | 2026-03-07T11:00-03:30
every 2 hours | 2026-03-07T12:15-03:30 | FREQ=HOURLY;INTERVAL=2
every saturday at 10am | 2026-03-14T10:00-02:30 | FREQ=WEEKLY;BYDAY=SA;BYHOUR=10;BYMINUTE=0
"""
"""Said on Saturday, 7 March 2026 at 10:15; the clocks go from 2:00 to 3:00 in the night."""

_SAID = (
    ("Europe/Berlin", "2026-11-18T10:00+01:00", BERLIN + GERMAN),
    ("Europe/Berlin", "2026-03-28T12:00+01:00", BERLIN_SPRING),
    ("Europe/Berlin", "2026-10-24T12:00+02:00", BERLIN_AUTUMN),
    ("Europe/Berlin", "2026-10-25T02:45+02:00", BERLIN_BETWEEN),
    ("America/New_York", "2026-03-05T14:30-05:00", NEW_YORK),
    ("Asia/Kolkata", "2026-07-15T23:30+05:30", KOLKATA),
    ("Australia/Lord_Howe", "2026-10-03T12:00+10:30", LORD_HOWE),
    ("Australia/Lord_Howe", "2026-04-04T12:00+11:00", LORD_HOWE_AUTUMN),
    ("America/St_Johns", "2026-03-07T10:15-03:30", ST_JOHNS),
)


def phrasings() -> list[Phrasing]:
    """Return the whole table."""
    return [
        _read(line, ZoneInfo(zone), datetime.fromisoformat(now))
        for zone, now, lines in _SAID
        for line in filter(None, lines.splitlines())
    ]


def _read(line: str, zone: ZoneInfo, now: datetime) -> Phrasing:
    said, when, rrule, text = ([cell.strip() for cell in line.split("|")] + ["", ""])[:4]
    return Phrasing(zone=zone, now=now, said=said, when=when, rrule=rrule or None, text=text)
