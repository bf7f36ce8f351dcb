"""Each rule of the resolved text, on marked texts: [1 an antecedent] and <1 its> anaphors."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_lstm.coref.resolved import Link, Word, resolve_text

_TOKENS = re.compile(
    r"\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ve|ll|d)\b|[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+"
    r"|\n\n|[^\w\s]| "
)
_MARKS = re.compile(r"(?P<open>[\[<])(?P<number>\d) |[\]>]")


def read_marked(marked):
    """Words and links of a marked text; marks may nest."""
    source, spans, opened, done = "", [], [], 0
    for mark in _MARKS.finditer(marked):
        source += marked[done : mark.start()]
        done = mark.end()
        if mark["open"]:
            opened.append((mark["open"], mark["number"], len(source)))
        else:
            kind, number, start = opened.pop()
            spans.append((kind, number, start, len(source)))
    source += marked[done:]
    words, starts = [], []
    for token in _TOKENS.finditer(source):
        if token[0] == " " and words and not words[-1].whitespace:
            words[-1] = words[-1]._replace(whitespace=" ")
        else:
            words.append(Word(token[0]))
            starts.append(token.start())
    assert "".join(word.text + word.whitespace for word in words) == source

    def tokens(start, end):
        inside = [i for i, at in enumerate(starts) if start <= at < end]
        return inside[0], inside[-1] + 1

    antecedents = {n: tokens(start, end) for kind, n, start, end in spans if kind == "["}
    links = [(tokens(s, e), antecedents[n], 0.9) for kind, n, s, e in spans if kind == "<"]
    return words, links


def resolve_marked(marked, **settings):
    return resolve_text(*read_marked(marked), **settings).text


def check(marked, expected):
    """The resolved text ends with what is expected, after the first sentence or clause."""
    resolved = resolve_marked(marked)
    assert resolved.endswith(expected), resolved


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("[1 Alice] is happy. <1 She> smiles.", "Alice is happy. Alice smiles."),
        ("I like [1 Bob]. Ann likes <1 him>.", "I like Bob. Ann likes Bob."),
        (
            "[1 The cat which ate the fish] is fat. Look at <1 it>.",
            "The cat which ate the fish is fat. Look at the cat which ate the fish.",
        ),
        ("If <1 he> comes, [1 Tom] wins.", "If Tom comes, Tom wins."),
        ("[1 Kim] knows that <1 xe> won and <1 xyr> dog lost.", None),
    ],
)
def test_pronoun_becomes_its_antecedent(marked, expected):
    assert resolve_marked(marked) == (expected or "Kim knows that Kim won and Kim's dog lost.")


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("[1 Alice] fed <1 her> dog.", "fed Alice's dog."),
        ("[1 James] lost <1 his> hat.", "lost James's hat."),
        ("[1 The girls] lost <1 their> ball.", "lost the girls' ball."),
        ("[1 The children] lost <1 their> ball.", "lost the children's ball."),
        ("[1 The boss] lost <1 her> hat.", "lost the boss's hat."),
        ("[1 Many Americans], no, [2 Americans] love <2 their> cars.", "love Americans' cars."),
        ("[1 The United States] and <1 its> allies", "and the United States' allies"),
        ("[1 Tom and James] sold <1 their> car.", "sold Tom and James's car."),
        ("[1 Ann] left. The book is <1 hers>.", "The book is Ann's."),
        ("[1 The twins] left. It was <1 theirs>.", "It was the twins'."),
        ("[1 Tom] met a friend of <1 his>.", "a friend of Tom's."),
        ("[1 Tom] came. <1 His> dog barked.", "Tom's dog barked."),
        ("[1 Tom]’s car is old. <1 His> dog barks.", "Tom’s dog barks."),
        ("[1 My mother-in-law] sold <1 her> car.", "sold my mother-in-law's car."),
    ],
)
def test_possessives(marked, expected):
    check(marked, expected)


@pytest.mark.parametrize(
    "rest",
    [
        "<1 her>",
        "<1 her>.",
        "<1 her>, too",
        "<1 her> the truth",
        "<1 her> that story",
        "<1 her> to the door",
        "<1 her> because of you",
        "<1 her> and left",
        "<1 her> again",
        "<1 her> yesterday",
        "<1 her> quickly",
        "<1 her> quickly and left",
        "<1 her> he was late",
        "<1 her> was a mistake",
        '<1 her> "No way"',
        "<1 her> \n\n",
        "saw <1 her> leave",
        "let <1 her> go home",
        "heard <1 her> singing softly",
        "saw <1 her> crossing the road",
        "called <1 her> Maggie",
    ],
)
def test_her_as_an_object(rest):
    expected = re.sub("<1 her>", "Mary", rest)
    check("[1 Mary] sat. I told " + rest, "I told " + expected)


@pytest.mark.parametrize(
    "rest",
    [
        "<1 her> dog",
        "<1 her> two dogs",
        "<1 her> old dog",
        "<1 her> own dog",
        "<1 her> family",
        "<1 her> early lunch",
        "<1 her> recently published book",
        "<1 her> in-laws",
        "<1 her> then-husband",
        '<1 her> "friend" Bob',
        "let <1 her> hair down",
        "found <1 her> wedding ring",
        "saw <1 her> work",
    ],
)
def test_her_as_a_determiner(rest):
    expected = re.sub("<1 her>", "Mary's", rest)
    check("[1 Mary] sat. I saw " + rest, "I saw " + expected)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("[1 Alice's] book is good. <1 She> wrote it.", "Alice wrote it."),
        ("[1 The girls'] team won. I saw <1 them>.", "I saw the girls."),
        ('"[1 The Raven,]" I said. Read <1 it>.', "Read the Raven."),
        ("[1 the tax of 5 %] rose. I saw <1 it>.", "I saw the tax of 5 %."),
        ("[1 Obama (born in 1961)] left. I saw <1 him>.", "I saw Obama."),
        ("[1 Alice, my sister], left. <1 She> cried.", "Alice cried."),
        ("[1 Paris, France] is old. I love <1 it>.", "I love Paris."),
        ("[1 The Smiths, who won], left. <1 They> cried.", "The Smiths cried."),
        ("[1 The big, red dog] left. I saw <1 it>.", "I saw the big, red dog."),
        ("[1 Tom, Ann and Bob] sang. <1 They> left.", "Tom, Ann and Bob left."),
        ("[1 The girl with glasses] ran. <1 Her> hat fell.", "The girl's hat fell."),
        ("[1 The girl with glasses] ran. <1 She> fell.", "The girl with glasses fell."),
        (
            "[1 The king of Spain in exile] ran. <1 His> hat fell.",
            "The king of Spain's hat fell.",
        ),
    ],
)
def test_antecedent_is_worded_for_its_new_place(marked, expected):
    check(marked, expected)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("[1 The cat] ate. I saw <1 it>.", "I saw the cat."),
        ("The end. [1 My mother] ate. I saw <1 her>.", "I saw my mother."),
        ('He said, "[1 The cat] ate." I saw <1 it>.', "I saw the cat."),
        ("I read [1 The Times]. I like <1 it>.", "I like The Times."),
        ("[1 NATO] met. I like <1 it>.", "I like NATO."),
        ("[1 Dogs] bark. All dogs do when you tease <1 them>.", "tease dogs."),
        ("[1 Dogs] bark when you tease <1 them>.", "tease Dogs."),
        ("[1 Will] went home. I will see <1 him>.", "I will see Will."),
        ("I saw [1 the cat]. <1 It> ate.", "The cat ate."),
        ("I have [1 an iPhone app], and [2 iPhone] too. <2 It> is old.", "iPhone is old."),
        ("I saw [1 the cat]. <1 IT> ATE.", "The cat ATE."),
        ("the end\n\n[1 The cat] ate. I saw <1 it>.", "I saw the cat."),
    ],
)
def test_capitals(marked, expected):
    check(marked, expected)


def test_given_sentence_bounds_are_believed():
    def resolve(sent_start):
        words = [
            Word("etc.", " ", True),
            Word("The", " ", sent_start),
            Word("Hague", " ", False),
            Word("won", "", False),
            Word(".", " ", False),
            Word("I", " ", True),
            Word("saw", " ", False),
            Word("it", "", False),
        ]
        return resolve_text(words, [((7, 8), (1, 3), 0.9)]).text

    assert resolve(True).endswith("I saw the Hague")
    assert resolve(False).endswith("I saw The Hague")
    assert resolve(None).endswith("I saw the Hague")


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("I saw [1 a dog]. <1 It> ran.", "The dog ran."),
        ("[1 An old man] sat. I saw <1 him>.", "I saw the old man."),
        ("[1 A man and a woman] sat. I saw <1 them>.", "I saw the man and the woman."),
        ("I met [1 some people]. <1 They> sang.", "The people sang."),
        ("[1 Two men] sat. I saw <1 them>.", "I saw the two men."),
        ("[1 Two of the men] sat. I saw <1 them>.", "I saw two of the men."),
        ("[1 One of the men] sat. I saw <1 him>.", "I saw one of the men."),
        ("[1 300 people] sat. I saw <1 them>.", "I saw the 300 people."),
        ("I read [1 1984]. I like <1 it>.", "I like 1984."),
        ("I read [1 A Tale of Two Cities]. I like <1 it>.", "I like A Tale of Two Cities."),
    ],
)
def test_indefinite_becomes_definite(marked, expected):
    check(marked, expected)


@pytest.mark.parametrize(
    "marked",
    [
        "[1 Every boy] loves <1 his> mother.",
        "[1 Nobody] lost <1 their> hat.",
        "[1 A few people] sat. I saw <1 them>.",
        "[1 Another man] sat. I saw <1 him>.",
        "[1 One] sat. I saw <1 him>.",
        "[1 Alice] hurt <1 herself>.",
        "[1 Alice]: <1 I> like <1 you>, <1 me> and <1 mine>.",
        "[1 <1 His> wife] came.",
        "[1 He] came. <1 He> left.",
        "[1 Bob left. Ann! Bob] came. <1 He> left.",
        "[1 ...] came. <1 It> left.",
        "[1 Alice] met <1 the man>, <1 who> sang.",
        "[1 小明] 喜欢<1 自己>。",
        "[1 每个孩子]喜欢<1 他>。",
        "[1 Sam] is here, and <1 they> bake cakes.",
    ],
)
def test_left_as_it_is(marked):
    source = re.sub(r"[\[<]\d |[\]>]", "", marked)
    assert resolve_marked(marked) == source


def test_long_antecedents_are_cut_to_their_core():
    marked = "[1 The president of the company that built our big old cars] left. <1 He> cried."
    assert resolve_marked(marked).endswith("The president of the company cried.")
    assert resolve_marked(marked, max_words=4).endswith("He cried.")
    assert resolve_marked(marked, max_words=20).endswith("built our big old cars cried.")
    many = "[1 Ann, Bob, Cyd, Dan, Eva, Fay, Gus, Hal, Ida, Jim and Kay] left. <1 They> cried."
    assert resolve_marked(many).endswith("They cried.")
    chinese = "[1 昨天来我们家里的那个老人]走了。<1 他>很好。"
    assert resolve_marked(chinese).endswith("那个老人很好。")
    assert resolve_marked(chinese, max_words=3).endswith("他很好。")


def test_pronoun_in_an_antecedent_is_resolved_too():
    marked = "[1 John] called [2 <1 his> wife]. <2 She> answered. <2 Her> phone rang."
    expected = "John called John's wife. John's wife answered. John's wife's phone rang."
    assert resolve_marked(marked) == expected


def test_circle_of_antecedents_ends():
    marked = "[1 <2 his> wife] met [2 <1 her> husband]."
    assert resolve_marked(marked) == "her husband's wife met his wife's husband."
    chain = "[1 Al] saw [2 <1 his> son], [3 <2 his> son] and [4 <3 his> son]. <4 He> left."
    assert resolve_marked(chain).endswith("His son's son left.")


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("[1 Tom and Ann] sat. I see <1 they>'re nice.", "I see Tom and Ann are nice."),
        ("[1 Tom and Ann] sat. <1 They>'ve won.", "Tom and Ann have won."),
        ("[1 Tom and Ann] sat. <1 They>'ll win.", "Tom and Ann will win."),
        ("[1 Sam] sat. <1 They>'re nice.", "Sam is nice."),
        ("[1 Sam] sat. <1 They>'ve won.", "Sam has won."),
        ("[1 Ann] sat. <1 She>’s happy.", "Ann is happy."),
        ("[1 Ann] sat. <1 She>'s really not ill.", "Ann is really not ill."),
        ("[1 Ann] sat. <1 She>'s been ill.", "Ann has been ill."),
        ("[1 Ann] sat. <1 She>'s never won.", "Ann has never won."),
        ("[1 Ann] sat. <1 She>'s finished the book.", "Ann has finished the book."),
        ("[1 Ann] sat. <1 She>'s married.", "Ann is married."),
        ("[1 Ann] sat. <1 She>'s called Annie.", "Ann is called Annie."),
        ("[1 Ann] sat. <1 She>'d gone.", "Ann had gone."),
        ("[1 A dog] sat. <1 It>'d often bitten me.", "The dog had often bitten me."),
        ("[1 Ann] sat. <1 She>'d better go.", "Ann had better go."),
        ("[1 Ann] sat. <1 She>'d go.", "Ann would go."),
        ("[1 Ann] sat. <1 She> 'll go.", "Ann will go."),
    ],
)
def test_contractions(marked, expected):
    check(marked, expected)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("<1 They> are late.", "Sam is late."),
        ("<1 They> were late.", "Sam was late."),
        ("<1 They> always have time.", "Sam always has time."),
        ("<1 They> don't care.", "Sam doesn't care."),
        ("<1 They> really want it.", "Sam really wants it."),
        ("<1 They> teach and try.", "Sam teaches and try."),
        ("<1 They> try.", "Sam tries."),
        ("<1 They> play.", "Sam plays."),
        ("<1 They> could go.", "Sam could go."),
        ("<1 They> went home.", "Sam went home."),
        ("<1 They> suddenly arrived.", "Sam suddenly arrived."),
        ("I am older than <1 they>.", "older than Sam."),
        ("Are <1 they> here?", "Is Sam here?"),
        ("Where do <1 they> live?", "Where does Sam live?"),
        ("Why don't <1 they> live?", "Why doesn't Sam live?"),
        ("Did <1 they> live?", "Did Sam live?"),
        ("I saw <1 them> and <1 their> dog.", "I saw Sam and Sam's dog."),
    ],
)
def test_singular_they_has_a_singular_verb(marked, expected):
    check("[1 Sam] sat. " + marked, expected)


@pytest.mark.parametrize(
    "antecedent",
    [
        "the girls",
        "the women",
        "Tom and Ann",
        "these people",
        "two sheep",
        "the policemen",
        "the Smiths",
        "Republicans",
        "Ann, Tom and Bob",
    ],
)
def test_plural_antecedent_keeps_the_plural_verb(antecedent):
    resolved = resolve_marked(f"I saw [1 {antecedent}] because <1 they> are here.")
    assert resolved.endswith(f"{antecedent} are here.")


@pytest.mark.parametrize(
    "antecedent", ["the man", "my boss", "this virus", "Chris", "the analysis", "the woman"]
)
def test_singular_antecedent_of_they(antecedent):
    resolved = resolve_marked(f"I saw [1 {antecedent}] because <1 they> are here.")
    assert resolved.endswith(f"{antecedent} is here.")


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("[1 小明]昨天去了公园，<1 他>今天又去了。", "小明今天又去了。"),
        ("[1 小红]来了。我认识<1 她>的妈妈。", "我认识小红的妈妈。"),
        ("猫追[1 老鼠]，<1 它>跑得很快。", "老鼠跑得很快。"),
        ("我看见[1 一只狗]。<1 它>在叫。", "那只狗在叫。"),
        ("[1 孩子们]来了。<1 他们>很高兴。", "孩子们很高兴。"),
        ("[1 小明的]书丢了，<1 他>自己也不知道。", "小明自己也不知道。"),
        ("[1 Tom]走了，<1 他>很好。", "Tom很好。"),
    ],
)
def test_chinese(marked, expected):
    check(marked, expected)


def test_the_more_probable_link_counts_and_bad_ones_are_passed_over():
    words, _ = read_marked("Tom met Bob. He left.")
    tom, bob, he = (0, 1), (2, 3), (4, 5)
    assert resolve_text(words, [(he, tom, 0.4), (he, bob, 0.6)]).text.endswith("Bob left.")
    beyond: list[Link] = [(he, (5, 99), 0.9), ((9, 10), tom, 0.9), (he, (2, 2), 0.9)]
    assert resolve_text(words, beyond).text == "Tom met Bob. He left."


def test_offsets_lead_back_to_the_source():
    words, links = read_marked("[1 Ann] sat. I see <1 she>'s sad.")
    resolved = resolve_text(words, links)
    assert resolved.text == "Ann sat. I see Ann is sad."
    assert resolved.offsets == [
        (0, 15, 0, 15),
        (15, 18, 15, 18),
        (18, 21, 18, 20),
        (21, 26, 20, 25),
    ]


def test_empty_text():
    assert resolve_text([], []) == ("", [])


_ODD_WORDS = (
    "he she his her they their it its 'em She 's 're 'll are do n't a the The dog dogs James "
    "and , ( ) - ' which of 他 们 他们 的 一 只 狗 🙂 e\u0301 \u200b \x07"
)
_TOKEN_TEXTS = st.one_of(
    st.sampled_from(_ODD_WORDS.split()),
    st.sampled_from([" ", "\n\n", "\u00a0"]),
    st.text(min_size=1, max_size=4),
)


@given(data=st.data())
def test_offsets_cover_both_texts(data):
    spaces = st.sampled_from(["", " "])
    words = data.draw(st.lists(st.builds(Word, _TOKEN_TEXTS, spaces), max_size=12))
    bounds = st.integers(0, max(len(words), 1))
    spans = st.tuples(bounds, bounds)
    links = data.draw(st.lists(st.tuples(spans, spans, st.floats(0, 1)), max_size=6))
    source = "".join(word.text + word.whitespace for word in words)
    text, offsets = resolve_text(words, links)
    assert "".join(source[start:end] for _, _, start, end in offsets) == source
    assert "".join(text[start:end] for start, end, _, _ in offsets) == text
    for earlier, later in pairwise(offsets):
        assert (earlier[1], earlier[3]) == (later[0], later[2])
    if not any(start < end for (start, end), _, _ in links):
        assert text == source


@given(st.text(max_size=20))
def test_any_name_stands_where_its_pronoun_stood(name):
    words = [Word(name, " "), Word("sat", ""), Word(".", " "), Word("He", " "), Word("ran")]
    resolved = resolve_text(words, [((3, 4), (0, 1), 0.9)]).text
    assert resolved.startswith(name + " sat. ")
    assert resolved.endswith(" ran")
