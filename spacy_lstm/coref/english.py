"""What an English verb and the word *her* tell, from the words around them alone.

A noun in a pronoun's place can leave its verb wrong ("they're" → "Alex are", "she's" →
"Alice's"). These rules mend the cases that closed lists decide and refuse the others.
"""

from collections.abc import Sequence
from typing import Final

from .phrases import Word, starts_sentence, word_set

__all__ = ["agree_with_singular", "clitic_verb", "her_is_object"]

_DETERMINERS: Final = word_set(
    "the a an this that these those some any no another each all both what which whose my "
    "your his our their its"
)
_PREPOSITIONS: Final = word_set(
    "in on at to from with by for of about into onto over under after before through during "
    "against between among without within toward towards upon across along around behind "
    "below beneath beside besides beyond despite inside outside near off out up down past "
    "like via per"
)
_CONJUNCTIONS: Final = word_set(
    "and or but nor because if when whenever while as than though although since until unless "
    "so where wherever whether why how who whom"
)
_PERSONAL: Final = word_set(
    "i you he she it we they me him us them himself herself itself themselves myself"
)
_AUXILIARIES: Final = word_set(
    "is are was were be been being am has have had do does did can could will would may might "
    "must shall should wo ca 's 're 've 'll 'd ’s ’re ’ve ’ll ’d"
)
_ADVERBS: Final = word_set(
    "again there here now then too also back away home alone anyway yesterday today tomorrow "
    "tonight once twice always never often soon later not n't n’t instead still ever already "
    "just even apart aside together perhaps maybe afterwards forever"
)
_ENDS_OBJECT: Final = (
    _DETERMINERS | _PREPOSITIONS | _CONJUNCTIONS | _PERSONAL | _AUXILIARIES | _ADVERBS
)
_LY_NOUNS_AND_ADJECTIVES: Final = word_set(
    "family only lovely early elderly friendly lonely silly ugly holy daily weekly monthly "
    "yearly deadly lively curly belly bully jelly lily reply supply butterfly melancholy "
    "ally assembly folly rally cowardly motherly fatherly sisterly worldly costly homely"
)
# After these, a bare infinitive or an -ing form may follow an object: "let her go".
_PERCEPTION: Final = word_set(
    "let lets letting make makes made making see sees saw seen seeing hear hears heard hearing "
    "watch watches watched watching help helps helped helping feel feels felt find finds found "
    "catch catches caught keep keeps kept leave leaves left notice noticed bid"
)
_INFINITIVES: Final = word_set(
    "go come leave cry laugh feel know do get take see think speak sleep eat be have become "
    "understand forget remember believe stay sit stand wait try say tell give want find keep "
    "lose win die sing listen seem appear happen write wonder realize enter fall"
)
_NAMING: Final = word_set("call calls called calling name names named naming")

_PARTICIPLES: Final = word_set(
    "been got had become gone done seen taken given made found lost left come known written "
    "broken chosen fallen forgotten grown begun spoken stolen worn eaten driven drawn flown "
    "shown thrown told said thought bought brought caught felt held kept met paid read sent "
    "spent taught understood won built heard led sold stood gotten "
    "bitten hidden ridden risen proven shaken woken frozen beaten sworn torn drunk sung hung "
    "struck stuck swept slept fought sought shot blown withdrawn mistaken swum rung"
)
_ONLY_PERFECT: Final = word_set(
    "been got gotten had become begun lived worked arrived happened wanted tried seemed agreed "
    "promised appeared managed failed existed stayed"
)
_PERFECT_ADVERBS: Final = word_set("never ever always already just recently long")

_SINGULAR: Final = {"are": "is", "were": "was", "have": "has", "do": "does"}
_WH_WORDS: Final = word_set("who what where when why how which whom")
_MODALS: Final = word_set(
    "can could will would may might must shall should had did wo ca used ought dare"
)
_PASTS: Final = word_set(
    "went said took came saw made got gave knew thought told became left felt put brought "
    "began kept held wrote stood heard let meant set met ran paid sat spoke lay led grew lost "
    "fell sent built understood drew broke spent cut rose drove bought wore chose ate sang "
    "slept won taught caught flew threw forgot found hid hit shook sold swam woke sought "
    "fought drank rode rang hung stole swore dealt read quit shut bit blew dug fed fled froze "
    "laid lit rang sank shot shrank slid spun stuck struck swept swung tore wept wound"
)
_PRESENTS: Final = word_set(
    "want like need know think say live work love hate go make take get see come feel look seem "
    "believe hope play speak eat drink sing write learn understand remember forget prefer "
    "enjoy own belong think agree tell call ask find give keep mean become teach study wear "
    "drive run walk sleep wait try help start stop stay use plan expect deserve travel"
)
_SKIPPED: Final = _ADVERBS | word_set("really both all usually sometimes only")


def _lower(words: Sequence[Word], i: int) -> str:
    """Word `i` in lower case, "" outside of the text."""
    return words[i].text.lower() if 0 <= i < len(words) else ""


def _is_content(text: str) -> bool:
    """Whether it may be an adjective or noun."""
    return text[:1].isalnum() and text not in _ENDS_OBJECT


def her_is_object(words: Sequence[Word], i: int) -> bool:
    """Whether *her* (*hir*, *zir*) at `i` is an object ("saw her.") and not a determiner.

    It is one where the next word cannot open the rest of a noun phrase: the end, punctuation,
    a determiner, preposition, conjunction, pronoun, auxiliary or adverb; a bare infinitive or
    -ing form after a verb like *let* or *saw*; a name after *call*. What stays open ("told her
    stories") is read as a determiner, which is the more frequent use.
    """
    after, then, before = _lower(words, i + 1), _lower(words, i + 2), _lower(words, i - 1)
    if not after.strip():
        return True
    if not after[0].isalnum() and after not in _ENDS_OBJECT:
        # An opening quote may hold her "friend" or her words: "No".
        quoted = words[i].whitespace and after in {'"', "“", "'", "‘"} and then
        return not (quoted and words[i + 2].text[:1].islower())
    if after in _ENDS_OBJECT:
        # her in-laws, her then-husband
        return not (then in {"-", "–"} and not words[i + 1].whitespace)
    if after.endswith("ly") and after not in _LY_NOUNS_AND_ADJECTIVES:
        return not _is_content(then)
    if before in _PERCEPTION:
        return after in _INFINITIVES or (after.endswith("ing") and not _is_noun_phrase_rest(then))
    return before in _NAMING and words[i + 1].text[:1].isupper()


def _is_noun_phrase_rest(text: str) -> bool:
    return _is_content(text) and not text.endswith("ly")


def _skip_adverbs(words: Sequence[Word], i: int) -> int:
    while i < len(words) and (
        words[i].text.isspace()
        or _lower(words, i) in _SKIPPED
        or (_lower(words, i).endswith("ly") and _lower(words, i) not in {"rely", "apply"})
    ):
        i += 1
    return i


def _is_participle(text: str) -> bool:
    return text in _PARTICIPLES or (len(text) > 4 and text.endswith("ed"))


def _full_s(words: Sequence[Word], i: int) -> str:
    """What 's at `i` stands for: "has" in a perfect, else "is"."""
    at = _skip_adverbs(words, i + 1)
    verb, then = _lower(words, at), _lower(words, at + 1)
    if verb in _ONLY_PERFECT:
        return "has"
    if not _is_participle(verb):
        return "is"
    adverbs = {_lower(words, k) for k in range(i + 1, at)}
    # "she's called him" against "she's called Ann": only a perfect takes an object.
    takes_object = then in (_DETERMINERS - {"all", "both", "what"}) | _PERSONAL | {"her"}
    return "has" if takes_object or adverbs & _PERFECT_ADVERBS else "is"


def clitic_verb(words: Sequence[Word], i: int, singular: bool) -> str | None:
    """The full form of a contracted verb at `i` behind its subject, None if it is none.

    "'s" is *is* or *has*, "'d" *would* or *had*, by the form of the verb that follows. Full
    forms are used for all subjects, since "Alice's happy" reads as a possessive.

    singular: whether the new subject is one person or thing: "they're" → "Alex is".
    """
    text = _lower(words, i)
    attached = i > 0 and not words[i - 1].whitespace
    stem = text.lstrip("'’")
    if text == stem and not attached:
        return None
    if stem == "s":
        return _full_s(words, i)
    if stem == "d":
        verb = _lower(words, _skip_adverbs(words, i + 1))
        perfect = verb == "better" or (_is_participle(verb) and verb not in {"come", "read"})
        return "had" if perfect else "would"
    plural_forms = {"re": "are", "ve": "have", "ll": "will"}
    if stem not in plural_forms:
        return None
    full = plural_forms[stem]
    return _SINGULAR.get(full, full) if singular else full


def _third_person(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


def _in_case_of(model: str, text: str) -> str:
    return text[0].upper() + text[1:] if model[0].isupper() else text


def _inverted_verb(words: Sequence[Word], i: int) -> int | None:
    """Index of an auxiliary before its subject at `i`, as in "Where are they?"."""
    at = i - 2 if _lower(words, i - 1) in {"n't", "n’t"} else i - 1
    if at < 0 or _lower(words, at) not in _MODALS | frozenset(_SINGULAR):
        return None
    return at if starts_sentence(words, at) or _lower(words, at - 1) in _WH_WORDS else None


def agree_with_singular(words: Sequence[Word], i: int) -> dict[int, str] | None:
    """New verb forms by index where one person stands for the subject *they* at `i`.

    "They are late" → "Alex is late", "do they" → "does Alex", "they want" → "Alex wants".
    None where the next word may be a verb that is not in the closed lists: then the pronoun
    had better stay. Only the first verb is seen: "they come and go" gives "Alex comes and go".
    """
    inverted = _inverted_verb(words, i)
    if inverted is not None:
        new = _SINGULAR.get(_lower(words, inverted))
        return {inverted: _in_case_of(words[inverted].text, new)} if new else {}
    at = _skip_adverbs(words, i + 1)
    verb = _lower(words, at)
    if verb in _SINGULAR:
        return {at: _SINGULAR[verb]}
    if verb in _PRESENTS:
        return {at: _third_person(verb)}
    unchanged = verb in _MODALS or verb in _PASTS or verb.endswith("ed")
    if unchanged or not verb[:1].isalpha() or verb in _CONJUNCTIONS | _PERSONAL | _PREPOSITIONS:
        return {}
    return None
