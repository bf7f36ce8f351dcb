"""Whom a clause's feeling is about: the one who feels it, or what it is felt for.

English marks both with the same relations: the hotel is the object of *hated*, and it is the
subject of *annoyed*. Which, is a matter of the verb's class (Levin 1993, sections 31 and 33:
*admire* and judgement verbs against *amuse* verbs; psych verbs in Belletti and Rizzi 1988).
Those classes are closed enough to be listed; how good or bad the verb is, is not in the lists.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from .clauses import Tree
from .phrases import word_set

__all__ = ["Opinion", "find_opinions"]


class Opinion(NamedTuple):
    """Whom the sentiment of a clause is about: tokens, heads of phrases."""

    clause: int
    """The clause's predicate."""
    about: frozenset[int]
    against: frozenset[int]
    """Of whom the clause says the contrary: those that comparisons put lower or higher."""


def _forms(row: str) -> frozenset[str]:
    """The regular forms of verbs."""
    found = set()
    for verb in row.split():
        stem = verb[:-1] if verb.endswith("e") else verb
        if verb.endswith("y") and verb[-2] not in "aeou":
            found |= {f"{verb[:-1]}ies", f"{verb[:-1]}ied", f"{verb}ing", verb}
        else:
            ending = "es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s"
            found |= {verb, verb + ending, f"{stem}ed", f"{stem}ing"}
    return frozenset(found)


# Verbs whose subject feels or judges, and whose object is what that is about.
_FROM_SUBJECT: Final = _forms(
    "love hate like dislike adore admire enjoy despise detest loathe prefer respect trust "
    "distrust value treasure cherish miss envy pity resent regret fear dread worship idolise "
    "idolize appreciate tolerate want need crave favour favor support recommend praise "
    "criticise criticize blame condemn denounce applaud thank congratulate accuse reward "
    "celebrate commend compliment salute scold complain rave moan rant grumble slam pan "
    "endorse approve disapprove mock ridicule curse attack consider deem rate call describe "
    "honour honor hail welcome savour relish fancy bemoan lament mistrust doubt suspect "
    "review avoid reject dismiss defend cheer laud lambast chide rebuke thank rank vote"
) | word_set(
    "stand bear hated loved found find finds finding think thinks thought felt feel feels "
    "regretted preferred slammed slamming panned panning cannot chose choose fell swear swears "
    "swore"
)
# Verbs whose subject is what the feeling is about, and whose object feels it.
_TO_OBJECT: Final = _forms(
    "annoy amuse bore delight please displease disappoint impress frighten anger upset charm "
    "irritate disgust thrill worry scare shock surprise inspire bother hurt confuse frustrate "
    "depress entertain fascinate offend astonish amaze alarm appal appall horrify terrify "
    "bewilder comfort console enchant captivate dazzle embarrass exhaust tire infuriate "
    "intimidate outrage sadden satisfy soothe startle stun trouble unsettle touch move excite "
    "fool exasperate enrage dismay unnerve puzzle relax tempt haunt humiliate repel sicken "
    "mesmerise mesmerize reassure cheer warm ruin"
) | word_set("upset upsetting hurt appalled appalling repelled moved drove drives drive let lets")
# What somebody is about something else.
_FEELING: Final = word_set(
    "happy unhappy happier happiest glad proud prouder fond tired sick afraid scared angry mad "
    "furious satisfied dissatisfied pleased displeased disappointed impressed annoyed bored "
    "delighted thrilled grateful thankful jealous envious ashamed excited upset sorry worried "
    "nervous crazy disgusted shocked amazed frustrated fed confused content enthusiastic "
    "sceptical skeptical suspicious wary keen terrified horrified appalled sad irritated"
)
# Where several phrases could be what is felt about, the first kind is.
_ABOUT: Final = ("about", "with", "of", "for", "by", "at", "on", "over", "to", "in")
# They feel without being anybody that a text is about.
_BYSTANDERS: Final = word_set(
    "i we you me us nobody everybody everyone anyone somebody someone people one"
)
_COMPARED: Final = word_set("compared comparing")
_RELATIVE: Final = word_set("who which that whom")
_WHERE: Final = word_set("where when why")
_BE: Final = word_set("be is are was were been being am 's ’s 're ’re get gets got getting")
_SAME: Final = frozenset({"conj", "appos", "flat"})


class _Clause:
    """One clause: its predicate and what depends on it."""

    def __init__(self, tree: Tree, children: list[list[int]], owner: Sequence[int], head: int):
        self.tree, self.children, self.owner, self.head = tree, children, owner, head
        self.word, self.tag = tree.words[head], tree.tags[head]
        self.governor = tree.heads[head]
        self.is_embedded = tree.relations[head] in ("acl", "ccomp", "advcl", "conj")

    def find(self, *relations: str) -> list[int]:
        """What depends on the predicate by one of some relations."""
        return [i for i in self.children[self.head] if self.tree.relations[i] in relations]

    def case(self, i: int) -> str:
        """The preposition of a phrase."""
        cases = [j for j in self.children[i] if self.tree.relations[j] in ("case", "mark")]
        return self.tree.words[cases[0]] if cases else ""

    def felt_about(self, phrases: Iterable[int]) -> list[int]:
        """Of some phrases after a word of feeling, those that tell what it is felt about."""
        cases = [(self.case(i), i) for i in phrases]
        for preposition in _ABOUT:
            found = [i for case, i in cases if case == preposition]
            if found:
                return found
        return []

    def has_noun_governor(self) -> bool:
        return (
            self.governor != self.head
            and self.is_embedded
            and self.tree.tags[self.governor] in ("NOUN", "PROPN", "PRON")
        )


def find_opinions(tree: Tree, clauses: Sequence[int]) -> Iterator[Opinion]:
    """Whom each clause is about.

    clauses: of each token the predicate of its clause, from `clauses.find_clauses`.
    """
    children = tree.children()
    subjects: dict[int, list[int]] = {}
    last: list[int] = []
    for head in sorted(set(clauses)):
        clause = _Clause(tree, children, clauses, head)
        subjects[head] = _subjects(clause, subjects)
        about, against = _targets(clause, subjects[head])
        if not about and not against and clause.tag in ("ADJ", "ADV"):
            # "That pizza was insane, best in town": still of the same.
            about = last
        if any(tree.words[i] == "you" for i in about):
            about = [*about, *clause.find("vocative")]
        last = about
        yield Opinion(
            head, frozenset(_with_joined(clause, about)), frozenset(_with_joined(clause, against))
        )


def _subjects(clause: _Clause, known: dict[int, list[int]]) -> list[int]:
    tree = clause.tree
    own = clause.find("nsubj", "csubj")
    # A second one behind the verb is an object that was misread.
    own = [i for i in own if i < clause.head] or own[:1]
    if any(tree.words[i] in _RELATIVE for i in own) and clause.has_noun_governor():
        return [clause.governor]
    if own:
        return own
    if clause.has_noun_governor() and tree.relations[clause.head] in ("acl", "ccomp"):
        return [clause.governor]
    if clause.governor != clause.head and tree.relations[clause.head] in ("conj", "advcl"):
        found = known.get(clause.governor) or known.get(clause.owner[clause.governor], [])
        # A noun that nothing is said of otherwise is a subject that was misread.
        return found or ([clause.governor] if clause.has_noun_governor() else [])
    return []


def _objects(clause: _Clause) -> list[int]:
    tree = clause.tree
    found = [i for i in clause.find("obj") if tree.words[i] not in _RELATIVE]
    if not found and clause.has_noun_governor() and tree.relations[clause.head] == "acl":
        # "the book that I loved"
        subjects = [tree.words[i] for i in clause.find("nsubj")]
        inside = {tree.words[i] for i in clause.find("advmod", "obl")}
        if subjects and not inside & _WHERE and not set(subjects) & _RELATIVE:
            return [clause.governor]
    return found


def _targets(clause: _Clause, subjects: list[int]) -> tuple[list[int], list[int]]:
    tree = clause.tree
    if clause.word in _COMPARED:
        return [], []
    if tree.relations[clause.head] == "appos":
        return [clause.governor, clause.head], []
    obliques = clause.find("obl", "nmod") if clause.tag != "NOUN" else clause.find("obl")
    lower = _compared(clause)
    obliques = [i for i in obliques if i not in lower and tree.words[i] not in _COMPARED]
    if clause.tag in ("VERB", "AUX"):
        return _verb_targets(clause, subjects, obliques, lower)
    felt = clause.felt_about(clause.find("obl", "nmod", "advcl"))
    if clause.word in _FEELING and felt:
        return felt, lower
    if subjects:
        return subjects, lower
    named = [clause.head] if clause.tag in ("NOUN", "PROPN") else []
    return [*named, *clause.find("vocative")], lower


def _compared(clause: _Clause) -> list[int]:
    tree, children = clause.tree, clause.children
    below = [i for i in children[clause.head] if i != clause.head]
    near = [*below, *(j for i in below for j in children[i])]
    found = [i for i in near if clause.case(i) == "than"]
    if clause.word.startswith("prefer"):
        found += [i for i in near if clause.case(i) == "to"]
    for i in near:
        if tree.words[i] in _COMPARED:
            found += [j for j in children[i] if tree.relations[j] in ("obl", "nmod", "obj")]
        elif clause.case(i) in _COMPARED:
            found.append(i)
    return found


def _verb_targets(
    clause: _Clause, subjects: list[int], obliques: list[int], lower: list[int]
) -> tuple[list[int], list[int]]:
    tree = clause.tree
    objects = _objects(clause)
    passive = not clause.word.endswith("ing") and any(
        tree.words[i] in _BE and tree.relations[i] in ("aux", "cop")
        for i in clause.children[clause.head]
    )
    agents = [i for i in obliques if clause.case(i) == "by"]
    if clause.word in _FROM_SUBJECT:
        if passive:
            return subjects, lower
        # "fall in love with the dog"
        inner = [j for i in obliques for j in clause.children[i] if tree.relations[j] == "nmod"]
        felt = objects or clause.felt_about([*obliques, *inner])
        return felt or clause.find("xcomp", "ccomp"), lower
    if clause.word in _TO_OBJECT:
        return (passive and clause.felt_about(obliques)) or subjects, lower
    if passive:
        return agents or subjects, lower
    if not subjects or all(tree.words[i] in _BYSTANDERS for i in subjects):
        # Of several places and times none is what the clause is about.
        return objects or (obliques if len(obliques) == 1 else []), lower
    return subjects, lower


def _with_joined(clause: _Clause, tokens: Iterable[int]) -> Iterator[int]:
    """Some heads, and those joined to them by *and* or as another name."""
    for i in tokens:
        yield i
        for child in clause.children[i]:
            if clause.tree.relations[child] in _SAME and clause.owner[child] == clause.owner[i]:
                yield child
