"""Words for colours in further European languages, and for whom a product is made. Data only.

Beside `eclip.products.catalogs.lexicon`, whose words cut catalogs and so must be surer than these, which trees weigh.
Words stand without accents, as `normal_text` leaves them.
"""

from __future__ import annotations

from eclip.products.catalogs.lexicon import COLOUR_OF
from eclip.tasks.matching.wording import normal_text

_COLOURS = {
    "black": "negro negra preto preta zwart zwarte czarny czarna czarne black nera noire schwarze schwarzer sort svart",
    "white": "blanco blanca bianco bianca branco blanche wit witte bialy biala biale weisse weisser hvid vit wht",
    "grey": "gris grigio grigia grise cinza grijs szary szara szare graue antracite antracita antraciet",
    "silver": "plata plateado argento prata zilver srebrny srebrna silberne",
    "gold": "oro dorado dore goud gouden zloty zlota ouro goldene",
    "blue": "azul bleue blauw blauwe niebieski niebieska niebieskie blaue azzurro royal",
    "navy": "marine marino marinho granatowy granatowa",
    "red": "rojo roja rosso rossa rouge vermelho rood rode czerwony czerwona czerwone rote roter",
    "pink": "rosa roze rozowy rozowa rosado",
    "orange": "naranja arancione arancio laranja oranje pomaranczowy",
    "yellow": "amarillo amarilla giallo gialla jaune amarelo geel gele zolty zolta gelbe",
    "green": "verde verte groen groene zielony zielona zielone grune",
    "brown": "marron marrone brun brune bruin braz brazowy castanho cafe",
    "purple": "morado viola violette purpura paars fioletowy fioletowa roxo",
    "turquoise": "turquesa turchese turkusowy turkoois",
}
COLOURS = {normal_text(word): colour for word, colour in COLOUR_OF.items()} | {
    word: colour for colour, words in _COLOURS.items() for word in words.split()
}

_AUDIENCES = {
    "men": "men mens man homme hommes uomo hombre heren herren meskie male masculino herre",
    "women": "women womens woman wmns femme femmes donna mujer dames damen damskie damska female feminino "
    "ladies ladys dame",
    "kids": "kids kid junior jr enfant enfants child childrens children boys boy girls girl gs bg youth "
    "bambino bambini nino ninos ninas kinder kinderen dzieciece infant toddler fille garcon td ps",
}
AUDIENCES = {word: audience for audience, words in _AUDIENCES.items() for word in words.split()}
