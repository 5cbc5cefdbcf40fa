"""Words for missing: strings that mean "no value" where everything else in the column is a number or a date.

``missing`` holds the tokens that are missing in every column. Those here depend on the column: ``-`` or ``unknown`` may
be a category among categories. Signs and error codes need two different numbers beside them; words need more, because
among a few codes (1, 2, 3, none) they may be one of the answers.
"""

from __future__ import annotations

from collections.abc import Sequence

_SIGNS = r"""
    . .. ... … - -- --- – — − * ** / // \ # ## ### #### ##### ###### : :: _ __ ! !! ' "
    n/a n.a. n.a na #n/a #na #nv #n/v n/v n/d n.d. n.d nd #n/d #nd
    #div/0! #value! #ref! #name? #num! #null! #error! #wert! #bezug! #zahl! #valeur! #nombre! #nom? #nul! #¡valor!
    #¡ref! #¡num! #¿nombre? #¡nulo! #¡div/0! #valore! #rif! #nome? #valor! #núm! #fehler! #spill! #calc! #err
    err:502 err:503 err:504 err:508 err:509 err:511 err:519 err:522
    nan -nan +nan nan(ind) -nan(ind) -1.#ind 1.#ind -1.#ind00 1.#ind00 1.#qnan -1.#qnan 1.#snan 1.#qnan00 nat
    null <null> (null) [null] <na> <nan> <none> (none) (blank) <blank> [blank] (empty) <empty> nil \n k.a. k.a o.a.
    <lod <loq <lloq <mdl <dl <rl <ql bdl blq bql bld n.n. n.n dnf dns dnq dsq
    n.c. n.c s.o. s/d s.d. n.v.t. n.v.t n.b. b.d. b.d н/д н.д. h/d
    n/r n.r. n.e. nan% () [] (x) [x] (d) [d] (c) [c] (z) [z] (s) (na) [na] (n/a) [n/a] [u] [low] [!] (-)
    *) · ####### ######## ?? ¿? ~ ・ － ﹣ ― ー —.— ***** ****** ******* $- %
    .a .b .c .m .z n/m n-a n\a na. n,a, n.s. n.m. n.q. n.z. n.v. s.u. b.d.l. б/д δ/α dk/na na/dk ns/nc
    (leer) (vide) (vuoto) (vazio) (пусто) (空白) #getting_data
    value! ref! div/0!
    0000-00-00 0000-00-00t00:00:00 00/00/0000 00.00.0000
"""
_SPACED_SIGNS = (
    "- -",
    "- - -",
    "< lod",
    "< loq",
    "< lloq",
    "< dl",
    "€ -",
    "$ -",
    "(en blanco)",
    "k. a.",
    "n. a.",
    "n. d.",
    "o. a.",
    "s. o.",
    "0000-00-00 00:00:00",
    "00/00/0000 00:00:00",
)
_WORDS = """
    missing, unknown, unk, undefined, undef, none, not available, not applicable, not reported, not recorded,
    not known,
    no data, nodata, no value, no record, blank, empty, tbd, tba, to be determined, tbc, on request, not measured,
    to be confirmed, not determined, not tested, not assessed, not stated, not specified, unspecified, not provided,
    not collected, not asked, not answered, not done, not analyzed, not analysed, not tested, not quantified,
    undetermined, undisclosed, hidden, skipped, skip, void, miss, mis, dk, don’t know, do not know,
    nr,
    nsp, ns, nm, nq, np, no sample, no reading, no measurement, no ct, qns, quantity not sufficient, insufficient,
    invalid,
    error, err, sensor error, fault, bad input, no good data, i/o timeout, comm fail,
    pt created, configure, offline, out of range, outofrange, cancelled, canceled, exempt, excused, abs, dq,
    hemolyzed,
    haemolysed, not evaluable, see comment, poa, price on application,
    not calculated, not given, no info, no information, withheld, suppressed, redacted, confidential, pending,
    no answer, no response, refused, don't know, prefer not to say, prefer not to answer, see note,
    insufficient data,
    not detected, below detection, below detection limit, did not finish, did not start, disqualified, absent,
    nicht nachweisbar,
    unbekannt, fehlt, fehlend, keine angabe, keine angaben, keine daten, ohne angabe, nicht verfügbar, nicht bekannt,
    kein wert, keine, ohne, leer, entfällt, auf anfrage, weiß nicht, weiss nicht, wn, nicht zutreffend,
    trifft nicht zu,
    nicht bestimmt, nicht gemessen, nicht auswertbar, nicht erhoben, nicht angegeben, keine antwort, hämolytisch,
    siehe bemerkung, fehler, ungültig,
    inconnu, inconnue, manque, manquant, manquante, nc, non disponible, non renseigné, non renseignée,
    non communiqué,
    ne sait pas, sans réponse, pas de réponse, non concerné, non mesuré, non applicable, erreur, vide, sans objet,
    aucun, aucune donnée, indisponible, sur demande,
    no sabe, no contesta, no responde, no sabe/no contesta, sin respuesta, no medido, error de sensor,
    desconocido, desconocida, sin dato, sin datos, no disponible, faltante, ninguno, vacío, no aplica,
    sin información,
    non so, non risponde, nessuna risposta, non rilevato, sconosciuto, sconosciuta, mancante, nessuno,
    non disponibile, assente, nessun dato, vuoto,
    sem informação, ignorado, não sabe, não respondeu, sem resposta, desconhecido, desconhecida, ausente, sem dados,
    não disponível, não informado, não aplicável, nenhum, vazio,
    weet niet, geen antwoord, niet gemeten, niet ingevuld, onbekend, ontbreekt, geen, geen gegevens, nvt,
    niet beschikbaar, leeg, niet bekend,
    nie wiem, brak odpowiedzi, brak, brak danych, nieznany, nieznana, nieznane, nie dotyczy, bd,
    vet ej, ej svar, uoplyst, ved ikke, vet ikke, ikke oppgitt, ei tietoa, ei saatavilla, ei vastausta, okänd, okänt,
    saknas, uppgift saknas, ukendt, mangler, ukjent, ingen, tuntematon, puuttuu, ei tiedossa,
    nezjištěno, nevím, nem tudja, nincs válasz, nu știu, neznámý, neznámé, neuvedeno, chybí, ismeretlen, hiányzik,
    nincs adat, necunoscut, lipsă,
    затрудняюсь ответить, нет ответа, не зазначено, нет, нет данных, неизвестно, отсутствует, не указано, немає,
    невідомо, немає даних,
    belirtilmemiş, cevap yok, bilmiyor, yok, bilinmiyor, veri yok, άγνωστο, λείπει,
    未回答, 無回答, わからない, 不明, なし, 欠損, 該当なし, データなし, 未填, 未填写, 暂无数据,
    不知道, 无, 無, 未知, 缺失, 空, 不详, 暂无, 无数据, 무응답, 해당없음, 해당 없음, 없음,
    미상, 결측, 모름,
    لا ينطبق, غير متوفر, אין מידע, לא רלוונטי, उपलब्ध नहीं, ไม่ระบุ, không biết, tidak tahu,
    غير معروف, مفقود, لا يوجد, לא ידוע, חסר, अज्ञात, ไม่ทราบ, ไม่มี, không rõ, không có, tidak ada, tidak diketahui
"""
_FLAGGED_SIGNS = {f":{gap}{flag}" for gap in ("", " ") for flag in "bcdefnprsuz"}  # Eurostat: confidential ...
SIGNS = frozenset({*_SIGNS.split(), *_SPACED_SIGNS, *_FLAGGED_SIGNS})
"""Signs, abbreviations and error codes of programs, in lower case."""
WORDS = frozenset(" ".join(word.split()) for word in _WORDS.split(","))
"""Words of common languages, in lower case."""

KNOWN = SIGNS | WORDS
_OTHER_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f"  # of ASCII
LONGEST = 60
"""Characters of a string that may mean "no value", with its spaces."""
FEWEST_BESIDE_WORDS = 6  # different numbers in a column in which a word means missing
FEWEST_BESIDE_SIGNS = 2


def means_missing(text: str, values: int) -> bool:
    """Whether a string means "no value" in a column with this number of different numbers or dates.

    >>> means_missing("#N/A", 2), means_missing("Unknown", 9), means_missing("none", 3), means_missing("large", 9)
    (True, True, False, False)
    """
    if len(text) > LONGEST:
        return False
    lowered = " ".join(text.lower().split())
    return (lowered in SIGNS and values >= FEWEST_BESIDE_SIGNS) or (lowered in WORDS and values >= FEWEST_BESIDE_WORDS)


def words_among(texts: Sequence[str]) -> list[int]:
    """Return the indices of the strings that mean "no value" beside enough numbers or dates: all at once, for speed.

    >>> words_among(["12", "#N/A", "large", " k.  A. "])
    [1, 3]
    """
    short = [j for j, length in enumerate(map(len, texts)) if length <= LONGEST]
    joined = "\0".join(texts if len(short) == len(texts) else [texts[j] for j in short]).lower()
    if joined.count("\0") != len(short) - 1:  # there is no string, or one holds the separator
        return [j for j in short if means_missing(texts[j], FEWEST_BESIDE_WORDS)]
    if not _has_single_spaces(joined):
        joined = " ".join(joined.split()).replace(" \0", "\0").replace("\0 ", "\0")
    lowered = joined.split("\0")
    return [] if KNOWN.isdisjoint(lowered) else [j for j, text in zip(short, lowered, strict=True) if text in KNOWN]


def _has_single_spaces(joined: str) -> bool:
    """Whether strings, joined by NUL, have no white space but single spaces between words."""
    has_odd = any(space in joined for space in ("  ", " \0", "\0 ", *_OTHER_SPACES))
    return joined.isascii() and not has_odd and joined.strip(" ") == joined
