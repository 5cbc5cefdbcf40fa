"""Vocabulary: the words and signs that stand before and behind numbers: currencies, magnitudes, percent, flags.

Everything else behind a number is a unit, which a column must use throughout.
"""

from __future__ import annotations

from collections.abc import Collection

SIGNS = "$€£¥￥₹₽₩₺₴₦₫฿₪₱₲₡₵₸₼₾"
DOLLARS = frozenset(
    {
        "US$",
        "C$",
        "CA$",
        "A$",
        "AU$",
        "NZ$",
        "HK$",
        "S$",
        "R$",
        "NT$",
        "MX$",
        "N$",
        "J$",
        "T$",
        "TT$",
        "RD$",
        "EC$",
        "B$",
    }
)
LETTERS = "RKQLP"
"""Letters before amounts that stand for a currency: rand, kwacha, quetzal, lempira, pula. Codes start so, too."""
_CODES = """
    AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GHS HKD HRK HUF IDR ILS INR ISK JPY KES KRW KWD KZT
    LKR MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RMB RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD UYU VND XAF XOF ZAR
"""
_NAMES = """
    Rs Rs. Re kr kr. Kr Kr. zł Kč Ft lei лв лв. руб руб. Fr Fr. SFr. TL Rp Rp. RM 元 円 원 euro Euro euros Euros dollars
    Ksh KSh Tsh TSh Ush USh Shs Bs Bs. Kz Dh DH Dhs S/ S/. B/ B/.
"""
_SAME_CURRENCY = """
    $ US$ dollars:USD C$ CA$:CAD A$ AU$:AUD NZ$:NZD HK$:HKD S$:SGD R$:BRL NT$:TWD MX$:MXN € euro Euro euros Euros:EUR
    £:GBP ¥ ￥:JPY,CNY 円:JPY 元 RMB:CNY ₹:INR Rs Rs. Re:INR,PKR,LKR kr kr. Kr Kr.:SEK,NOK,DKK,ISK zł:PLN Kč:CZK Ft:HUF
    lei:RON лв лв.:BGN ₽ руб руб.:RUB Fr Fr. SFr.:CHF ₺ TL:TRY Rp Rp.:IDR RM:MYR ₩ 원:KRW ₴:UAH ₦:NGN ₫:VND ฿:THB ₪:ILS
    ₱:PHP ₲:PYG ₡:CRC ₵:GHS ₸:KZT ₼:AZN ₾:GEL R:ZAR K:ZMW,PGK Q:GTQ L:HNL P:BWP S/ S/.:PEN B/ B/.:PAB Ksh KSh:KES
    Tsh TSh:TZS Ush USh:UGX Shs:KES,TZS,UGX Bs Bs.:BOB,VES Kz:AOA Dh DH Dhs:AED,MAD N$:NAD J$:JMD T$:TOP TT$:TTD RD$:DOP
    EC$:XCD B$:BND
"""
CODES = frozenset(_CODES.split())  # ISO 4217, those of more than a few million users
NAMES = frozenset(_NAMES.split())
CURRENCIES = frozenset(SIGNS) | CODES | DOLLARS | NAMES
"""Signs, codes and names of currencies."""

MAGNITUDES = {
    **dict.fromkeys(("千", "천", "тыс", "тыс.", "tys.", "mil", "bin", "ribu"), 1e3),
    **dict.fromkeys(("k", "K", "tsd", "tsd.", "thousand", "thousands"), 1e3),
    **dict.fromkeys(("lakh", "lakhs", "lac", "lacs"), 1e5),
    **dict.fromkeys(("M", "m", "mn", "mln", "mln.", "mio", "mio.", "million", "millions"), 1e6),
    **dict.fromkeys(("millón", "millones", "milhão", "milhões", "milioni", "mi", "млн", "млн.", "milyon", "juta"), 1e6),
    **dict.fromkeys(("bi", "bilhão", "bilhões", "miliardi", "mld", "mld.", "mia.", "млрд", "млрд.", "milyar"), 1e9),
    **dict.fromkeys(("crore", "crores", "cr"), 1e7),
    **dict.fromkeys(("万", "萬", "만"), 1e4),
    **dict.fromkeys(("亿", "億", "억"), 1e8),
    **dict.fromkeys(("B", "b", "bn", "mrd", "mrd.", "billion", "billions"), 1e9),
    **dict.fromkeys(("T", "tn", "trn", "trillion", "trillions"), 1e12),
}
UNSURE = frozenset({"m", "b", "cr", "mi", "mil", "bin"})
"""Magnitudes that are as often units: magnitudes only beside a currency or another magnitude."""
UNSURE_OF_MONEY = frozenset({"mil"})
"""Magnitudes that are thousands in some languages and millions in others: only beside another one."""
UNSURE_APART = frozenset({"K", "B", "T"})
"""Magnitudes that are units (kelvin, bytes, tesla) if a space stands before them and no other magnitude occurs."""

PERCENTS = frozenset({"%", "‰"})
SIDES = (("CR", "DR"), ("H", "S"), ("HABEN", "SOLL"), ("HABER", "DEBE"), ("C", "D"), ("CREDIT", "DEBIT"))
"""Words for the two sides of an account, credit first, in several languages."""
LAB_FLAGS = frozenset({"H", "L", "HH", "LL", "A", "N", "J", "U", "UJ", "B"})
"""Flags of laboratories behind a result: high, low, abnormal, estimated, undetected, ... if a column has several."""
CJK = "\u2e80"
"""Letters from here on are East Asian; one of them is a unit: 817人."""
ORDINALS = frozenset({"st", "nd", "rd", "th"})
FLAGS = frozenset("bcdefnprsuz")
"""Flags of statistical offices: break in series, confidential, definition differs, estimated, forecast, ..."""
BARE_UNITS = frozenset("VWLCFJKNGgmshltydwx°%‰¢")
"""Units of one character that may follow a number without a space; 12A is more often a code than amperes."""


def _codes_by_word() -> dict[str, frozenset[str]]:
    found, words = dict[str, frozenset[str]](), list[str]()
    for each in _SAME_CURRENCY.split():
        word, _, codes = each.partition(":")
        words.append(word)
        if codes:
            found.update(dict.fromkeys(words, frozenset(codes.split(","))))
            words.clear()
    return found


CODES_OF = _codes_by_word()
"""The ISO 4217 codes that a sign or an abbreviation may stand for."""


def codes_of(word: str) -> frozenset[str]:
    """Return the ISO 4217 codes of the currencies that a word may stand for.

    >>> sorted(codes_of("¥")), sorted(codes_of("円")), sorted(codes_of("EUR"))
    (['CNY', 'JPY'], ['JPY'], ['EUR'])
    """
    return CODES_OF.get(word, frozenset({word}))


def are_one_currency(words: Collection[str]) -> bool:
    """Whether words stand for one currency: ¥ and 円, $ and USD, kr and SEK, but not kr, SEK and NOK.

    >>> are_one_currency(["¥", "円"]), are_one_currency(["$", "C$"]), are_one_currency(["kr", "SEK", "NOK"])
    (True, False, False)
    """
    return len(words) < 2 or bool(frozenset.intersection(*map(codes_of, words)))


def is_currency(word: str) -> bool:
    """Whether a word is a currency: a sign, an ISO 4217 code or a common abbreviation.

    >>> is_currency("€"), is_currency("USD"), is_currency("kr"), is_currency("kg")
    (True, True, True, False)
    """
    return word in CURRENCIES


def magnitude_of(word: str) -> float | None:
    """Return the factor that a word stands for.

    >>> magnitude_of("k"), magnitude_of("Mio."), magnitude_of("kg")
    (1000.0, 1000000.0, None)
    """
    return MAGNITUDES.get(word) or (MAGNITUDES.get(word.lower()) if len(word) > 1 else None)


def sides_of(word: str) -> tuple[str, str] | None:
    """Return the two sides of an account, credit first, of which a word is one.

    >>> sides_of("Cr."), sides_of("S"), sides_of("s"), sides_of("kg")
    (('CR', 'DR'), ('H', 'S'), None, None)
    """
    bare = side(word)
    return next((sides for sides in SIDES if bare in sides), None)


def side(word: str) -> str:
    """Return a word for one side of an account as ``SIDES`` has it."""
    bare = word.rstrip(".").upper() if len(word) > 1 else word
    return "DR" if bare == "DB" else bare


def same_unit(word: str, other: str) -> bool:
    """Whether two units differ only in case, a plural s or a final dot: kg and KG, year and years, mi and mi.

    ``mW`` and ``MW``, ``Mb`` and ``MB`` differ in meaning.

    >>> same_unit("cc", "CC"), same_unit("star", "stars"), same_unit("mi.", "mi"), same_unit("mW", "MW")
    (True, True, True, False)
    """
    word, other = word.rstrip("."), other.rstrip(".")
    if word == other or {word, other} <= ORDINALS:
        return True
    if min(len(word), len(other)) > 2 and word.lower().rstrip("s") == other.lower().rstrip("s"):
        return True
    return word.lower() == other.lower() and all(_has_one_case(each) for each in (word, other))


def _has_one_case(word: str) -> bool:
    """Whether a unit is in lower or upper case throughout, or capitalized where that isn't a prefix of its own."""
    if len(word) < 2:
        return False
    return word.islower() or word.isupper() or (word.istitle() and word[0] not in "MPYZ")
