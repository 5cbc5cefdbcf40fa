"""Units: which units measure the same, and how many of one make another.

Takes two words behind numbers; returns the factor between them, or None. Units with an offset (°C and °F), of two sizes
(gallons, tons of 2,000 pounds) and currencies are not converted.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from backpass.table.notation.lazy_pattern import LazyPattern

_DIMENSIONS = (
    # length in meters
    "µm μm um:1/1000000 mm millimeter millimeters millimetre millimetres:1/1000 cm centimeter centimeters centimetre "
    "centimetres:1/100 dm:1/10 m meter meters metre metres:1 km kilometer kilometers kilometre kilometres:1000 "
    'in inch inches " ″:127/5000 ft feet foot ′:381/1250 yd yard yards:1143/1250 mi mile miles:201168/125',
    # mass in kilograms
    "µg μg:1/1000000000 mg milligram milligrams:1/1000000 g gr gram grams gramme grammes:1/1000 kg kilo kilos kilogram "
    "kilograms:1 t tonne tonnes:1000 oz ounce ounces:45359237/1600000000 stone stones:635029318/100000000 "
    "lb lbs pound pounds:45359237/100000000",
    # volume in liters
    "µl μl µL:1/1000000 ml mL milliliter milliliters:1/1000 cl cL:1/100 dl dL:1/10 l L liter liters litre litres:1 "
    "hl hL:100 cm³ cm3 cc ccm:1/1000 m³ m3 cbm:1000",
    # time in seconds; a month is a twelfth of a year of the Gregorian calendar
    "ns:1/1000000000 µs μs us:1/1000000 ms:1/1000 s sec secs second seconds sek секунда секунды секунд "
    "秒:1 min mins minute minutes minuten minutos мин минута минуты минут 分 分钟:60 h hr hrs hour hours std "
    "stunde stunden heure heures hora horas ore uur ч час часа часов 小时 時間:3600 d day days tag tage jour "
    "jours día días dia dias giorno giorni dag dagen dní dni den dzień дн день дня дней 天 日:86400 wk wks "
    "week weeks woche wochen semaine semaines semana semanas weken неделя недели недель:604800 mo mos "
    "month months monat monate mois mes meses mese mesi maand maanden месяц месяца месяцев:2629746 yr "
    "yrs year years jahr jahre an ans año años ano anos anno anni jaar år rok roky let lata lat год года "
    "лет 年 歳 岁 세:31556952",
    # data in bytes
    "B byte bytes:1 kB KB:1000 MB:1000000 GB:1000000000 TB:1000000000000 PB:1000000000000000 "
    "KiB:1024 MiB:1048576 GiB:1073741824 TiB:1099511627776 PiB:1125899906842624",
    # power in watts, energy in watt-hours
    "mW:1/1000 W watt watts:1 kW:1000 MW:1000000 GW:1000000000 TW:1000000000000",
    "Wh:1 kWh:1000 MWh:1000000 GWh:1000000000 TWh:1000000000000 J:1/3600 kJ:10/36 MJ:10000/36 GJ:10000000/36",
    # frequency, voltage, current
    "Hz:1 kHz:1000 MHz:1000000 GHz:1000000000",
    "mV:1/1000 V volt volts:1 kV:1000",
    "µA μA:1/1000000 mA:1/1000 A amp amps:1 kA:1000",
    # pressure in pascals, speed in meters per second
    "Pa:1 hPa mbar:100 kPa:1000 MPa:1000000 bar:100000",
    "m/s:1 km/h kmh kph:5/18 mph:1397/3125 kn kt kts knots:463/900",
    # area in square meters
    "mm² mm2:1/1000000 cm² cm2:1/10000 m² m2 sqm qm:1 km² km2:1000000 ha:10000 ft² ft2 sqft:145161/1562500 "
    "ac acre acres:316160658/78125",
    # concentration in milligrams per liter, and in moles per liter
    "ng/L ng/l pg/mL pg/ml:1/1000000 µg/L µg/l μg/L μg/l ug/L ug/l ng/mL ng/ml:1/1000 mg/L mg/l µg/mL µg/ml ug/mL:1 "
    "µg/dL µg/dl μg/dL ug/dL:1/100 mg/dL mg/dl:10 g/L g/l mg/mL mg/ml:1000 g/dL g/dl:10000",
    "nmol/L nmol/l nM:1/1000000000 µmol/L µmol/l μmol/L umol/L µM:1/1000000 mmol/L mmol/l mM:1/1000 mol/L mol/l:1",
    # capacitance in farads, resistance in ohms
    "pF:1/1000000000000 nF:1/1000000000 µF μF uF:1/1000000 mF:1/1000",
    "mΩ:1/1000 Ω \u2126 ohm ohms Ohm:1 kΩ kohm:1000 MΩ:1000000",
)


def _units() -> dict[str, tuple[int, Fraction]]:
    """Return the dimension of each unit, by number, and its size."""
    found: dict[str, tuple[int, Fraction]] = {}
    for dimension, written in enumerate(_DIMENSIONS):
        words = list[str]()
        for part in written.split():
            word, colon, size = part.partition(":")
            words.append(word)
            if colon:
                value = Fraction(*map(int, size.split("/")))
                found.update(dict.fromkeys(words, (dimension, value)))
                words.clear()
    return found


UNITS = _units()
_SAME_BUT_CASE: dict[str, set[tuple[int, Fraction]]] = {}
for _word, _unit in UNITS.items():
    _SAME_BUT_CASE.setdefault(_word.lower(), set()).add(_unit)


_PREFIXES = ("", "d", "c", "m", "µ", "μ", "u", "n", "p", "f", "h", "k", "M", "G", "T", "P")
_PREFIXED = """
    m g s l L mol M W J N V A K Pa Hz eV bar cal rad sr Bq Sv Gy Wh yr a t F H S T C lm lx cd eq osmol B b
"""
_PLAIN = """
    min h hr d day days wk week month mo yr year years a ha ft in mi yd lb oz gal °C C °F F ppm cell cells ind capita
    person plant tree animal head copies CFU cfu IU U deg °
"""
BASES = frozenset({*UNITS, *(prefix + unit for prefix in _PREFIXES for unit in _PREFIXED.split()), *_PLAIN.split()})
"""Units that may have an exponent: s of m s-1, and m of µg m-3."""
EXPONENT = LazyPattern(r"(?P<base>.+?)\^?[-−‐-―][1-9]")


def has_right_exponents(word: str) -> bool:
    """Whether each part of a word that ends in a negative exponent is a unit; 12 B-2 and 3 Series-1 are codes.

    A single capital letter with an exponent is a unit only beside another one: W m-2 K-1, but not K-1.

    >>> [has_right_exponents(word) for word in ("m s-1", "µmol m-2 s-1", "kg", "Series-1", "B-2", "W m-2 K-1")]
    [True, True, True, False, False, True]
    """
    parts = re.split("[\\s·]+", word)
    bases = [found["base"] for part in parts if (found := EXPONENT.fullmatch(part))]
    is_lone = len(parts) == 1 and bool(bases) and len(bases[0]) == 1 and bases[0].isupper()
    return not is_lone and all(base.rpartition("/")[2] in BASES for base in bases)


@lru_cache(maxsize=256)
def ratio(word: str, unit: str) -> float | None:
    """Return how many of a unit one of another unit is, None if they do not measure the same.

    ``mW`` and ``MW`` are different units; ``KG`` is ``kg``.

    >>> ratio("g", "kg"), ratio("KG", "g"), ratio("in.", "cm"), ratio("kg", "m"), ratio("Mw", "W")
    (0.001, 1000.0, 2.54, None, None)
    """
    found, other = _unit_of(word), _unit_of(unit)
    if found is None or other is None or found[0] != other[0]:
        return None
    return float(found[1] / other[1])


def _unit_of(word: str) -> tuple[int, Fraction] | None:
    bare = word.rstrip(".")
    if bare in UNITS:
        return UNITS[bare]
    same = _SAME_BUT_CASE.get(bare.lower(), set()) if len(bare) > 1 else set()
    return next(iter(same)) if len(same) == 1 else None
