"""Words so common that repeating them quotes nobody."""

from __future__ import annotations

COMMON = frozenset(
    """
    a able about above after again against ago all almost alone along already also although always am
    among an and another any anybody anyone anything anyway are around as ask asked at away awesome
    back bad be beautiful because become been before began begin behind being believe below best
    better between big bit bit both boy but by bye call called came can cannot care case cat chat
    come comes coming cool could couple course cute dad daughter day days dear did different do does
    dog doing done down dream drink during each early easy eat eight either else end enjoy enough
    even evening ever every everybody everyone everything exactly eye eyes face fact family far fast
    favorite favourite feel feeling felt few find fine first five food for forever forget forgot
    found four friday friend friends from full fun funny game games gave get gets getting girl give
    glad go god goes going gone good goodbye got great guess guy guys had haha half hand happen
    happened happy hard has hate have having he hear heard heart hello help her here hers herself hey
    hi high him himself his hm hmm home hope hour hours house how however hug i idea if important in
    inside instead interesting into is it its itself job just keep kind knew know known knows last
    late later laugh learn least leave left less let life light like liked likes listen little live
    lives living lol long look looked looking looks lot lots love loved lovely loves made make makes
    making man many matter may maybe me mean means meet memory men might mind mine minute minutes mom
    moment monday money month months more morning most mother mouth move much mum music must my myself
    name named near need needs never new news next nice night nine no nobody none nor not nothing now
    number of off often oh ok okay old on once one only open or other others our out outside over own
    part party past people perhaps person phone place plan play played playing please point possible
    pretty probably problem put question quick quickly quiet quite rather read ready real really
    reason red remember rest right room run said same sat saturday saw say saying says school second
    see seem seems seen send sense sent seven several shall she should show side since sing sister
    sit six sleep slow slowly small smile so some somebody somehow someone something sometimes
    somewhere son song soon sorry sort sound sounds speak start started stay still stop story strange
    stuff such sunday sure sweet take takes taking talk talked talking tea tell tells ten than thank
    thanks that the their theirs them themselves then there these they thing things think thinking
    third this those though thought three through thursday time times tiny tired to today together
    told tomorrow tonight too took top totally town travel tried true try trying tuesday turn two
    under understand until up upon us use used usually very visit voice wait walk want wanted wants
    warm was watch water way we wednesday week weekend weeks welcome well went were what whatever when
    where whether which while white who whole whom whose why wife will wish with within without woman
    women wonder wonderful word words work worked working works world worry would wow write wrong yeah
    year years yep yes yesterday yet you young your yours yourself
    don didn doesn isn wasn aren won couldn wouldn shouldn ain ll ve re
    january february march april june july august september october november december christmas
    english french german spanish italian japanese chinese russian british american european
    america england britain france germany spain italy japan china russia india canada australia
    europe africa asia london paris berlin madrid rome tokyo york moscow sydney internet google
    discord youtube github python linux windows android minecraft
    """.split()
)
"""Lower-case English words of everyday talk, and the best-known names of places and products."""
