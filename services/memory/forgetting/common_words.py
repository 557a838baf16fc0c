"""Words so common that repeating them quotes nobody."""

from __future__ import annotations

COMMON = frozenset(
    """
    a able about above africa after again against ago ain all almost alone along already also
    although always am america american among an and android another any anybody anyone anything
    anyway april are aren around as asia ask asked at august australia away awesome back bad be
    beautiful because become been before began begin behind being believe below berlin best
    better between big bit both boy britain british but by bye call called came can canada
    cannot care case cat chat china chinese christmas come comes coming cool could couldn couple
    course cute dad daughter day days dear december did didn different discord do does doesn dog
    doing don done down dream drink during each early easy eat eight either else end england
    english enjoy enough europe european even evening ever every everybody everyone everything
    exactly eye eyes face fact family far fast favorite favourite february feel feeling felt few
    find fine first five food for forever forget forgot found four france french friday friend
    friends from full fun funny game games gave german germany get gets getting girl github give
    glad go god goes going gone good goodbye google got great guess guy guys had haha half hand
    happen happened happy hard has hate have having he hear heard heart hello help her here hers
    herself hey hi high him himself his hm hmm home hope hour hours house how however hug i idea
    if important in india inside instead interesting internet into is isn it italian italy its
    itself january japan japanese job july june just keep kind knew know known knows last late
    later laugh learn least leave left less let life light like liked likes linux listen little
    live lives living ll lol london long look looked looking looks lot lots love loved lovely
    loves made madrid make makes making man many march matter may maybe me mean means meet
    memory men might mind mine minecraft minute minutes mom moment monday money month months
    more morning moscow most mother mouth move much mum music must my myself name named near
    need needs never new news next nice night nine no nobody none nor not nothing november now
    number october of off often oh ok okay old on once one only open or other others our out
    outside over own paris part party past people perhaps person phone place plan play played
    playing please point possible pretty probably problem put python question quick quickly
    quiet quite rather re read ready real really reason red remember rest right rome room run
    russia russian said same sat saturday saw say saying says school second see seem seems seen
    send sense sent september seven several shall she should shouldn show side since sing sister
    sit six sleep slow slowly small smile so some somebody somehow someone something sometimes
    somewhere son song soon sorry sort sound sounds spain spanish speak start started stay still
    stop story strange stuff such sunday sure sweet sydney take takes taking talk talked talking
    tea tell tells ten than thank thanks that the their theirs them themselves then there these
    they thing things think thinking third this those though thought three through thursday time
    times tiny tired to today together tokyo told tomorrow tonight too took top totally town
    travel tried true try trying tuesday turn two under understand until up upon us use used
    usually ve very visit voice wait walk want wanted wants warm was wasn watch water way we
    wednesday week weekend weeks welcome well went were what whatever when where whether which
    while white who whole whom whose why wife will windows wish with within without woman women
    won wonder wonderful word words work worked working works world worry would wouldn wow write
    wrong yeah year years yep yes yesterday yet york you young your yours yourself youtube
    """.split()  # noqa: SIM905  so many quotation marks would hide the words
)
"""Lower-case English words of everyday talk, and the best-known names of places and products."""
