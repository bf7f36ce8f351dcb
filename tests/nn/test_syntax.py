import numpy as np
import pytest
import torch

from spacy_lstm.coref.syntax import HEAD_REACH, SyntaxTargets, relation_number, tag_number
from spacy_lstm.nn.syntax import SyntaxHead, SyntaxLogits, band, syntax_loss


def test_what_a_token_gets_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    head = SyntaxHead(input_width=8)
    X = torch.randn(9, 8)
    document = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 2])
    together = head(X, document)
    alone = head(X[3:8], torch.zeros(5, dtype=torch.long))
    for batched, single in zip(together, alone, strict=True):
        torch.testing.assert_close(batched[3:8], single)


def test_a_band_stays_in_its_document() -> None:
    document = torch.tensor([0, 0, 1, 1, 1])
    places = band(torch.tensor([1, 2]), document)
    assert places.shape == (2, 2 * HEAD_REACH + 1)
    assert places[:, HEAD_REACH].tolist() == [1, 2]
    assert set(places[0].tolist()) == {0, 1}
    assert set(places[1].tolist()) == {2, 3, 4}


def test_unknown_labels_do_not_count() -> None:
    logits = SyntaxLogits(torch.randn(2, 17), torch.randn(2, 37), torch.randn(2, 49))
    nothing = np.array([-1, -1])
    assert syntax_loss(logits, SyntaxTargets(nothing, nothing, nothing)).item() == 0
    tags = np.array([tag_number("NOUN"), -1])
    loss = syntax_loss(logits, SyntaxTargets(tags, nothing, nothing))
    wanted = -torch.log_softmax(logits.tags[0], dim=0)[tags[0]]
    assert loss.item() == pytest.approx(wanted.item())


def test_labels() -> None:
    assert relation_number("nsubj:pass") == relation_number("nsubj") >= 0
    assert relation_number("ROOT") == relation_number("root") >= 0
    assert relation_number("nothing") == tag_number("") == -1


@pytest.mark.parametrize("lengths", [(1,), (3, 1, 7), (200, 1, 90), (63,), (64,), (65,)])
def test_governors_by_bands(lengths) -> None:
    torch.manual_seed(0)
    n = sum(lengths)
    head, X = SyntaxHead(input_width=8), torch.randn(n, 8)
    torch.nn.init.normal_(head.distance)
    document = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    places = band(torch.arange(n), document)
    logits = head.head_logits(X, places)
    # Where the ends of a document stand in a band many times, any of them is the place.
    first = places.gather(1, logits.argmax(dim=1, keepdim=True)).squeeze(1)
    average = (torch.softmax(logits, dim=1).unsqueeze(2) * X[places]).sum(1)
    tokens = (torch.rand(n) < 0.7).nonzero().squeeze(1)
    bands = head.score_bands(head.project(X))
    found = head.read_governors(X, bands, tokens.numpy(), document.numpy())
    torch.testing.assert_close(found.average, average[tokens])
    assert found.first.tolist() == first[tokens].tolist()
    assert found.second.tolist() == first[first[tokens]].tolist()


def test_no_governors_of_nothing() -> None:
    document, nothing = np.zeros(3, dtype=np.int64), np.zeros(0, dtype=np.int64)
    bands = torch.randn(3, 2 * HEAD_REACH + 1)
    X = torch.randn(3, 8)
    found = SyntaxHead(input_width=8).read_governors(X, bands, nothing, document)
    assert [len(part) for part in found] == [0, 0, 0]
    assert found.average.shape == (0, 8)


@pytest.mark.parametrize("lengths", [(1,), (3, 1, 7), (300, 1, 90)])
def test_trees_by_sentences(lengths) -> None:
    torch.manual_seed(0)
    n = sum(lengths)
    head, X = SyntaxHead(input_width=8), torch.randn(n, 8)
    torch.nn.init.normal_(head.distance)
    sentence = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    projected = head.project(X)
    found = head.read_trees(projected, head.score_bands(projected), sentence.numpy())
    logits = head(X, torch.zeros_like(sentence))
    tokens = torch.arange(n)
    places = tokens.unsqueeze(1) + torch.arange(-HEAD_REACH, HEAD_REACH + 1)
    inside = (places >= 0) & (places < n)
    inside &= sentence[places.clamp(0, n - 1)] == sentence.unsqueeze(1)
    # The logits of a document's ends are those of its band, which these places are in.
    heads = logits.heads.masked_fill(~inside, -torch.inf).argmax(dim=1) - HEAD_REACH
    assert found[:, 0].tolist() == logits.tags.argmax(dim=1).tolist()
    assert found[:, 1].tolist() == logits.relations.argmax(dim=1).tolist()
    assert found[:, 2].tolist() == heads.tolist()
    assert (sentence[tokens + torch.from_numpy(found[:, 2])] == sentence).all()


def test_no_trees_of_nothing() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    head = SyntaxHead(input_width=8)
    projected = head.project(torch.zeros(0, 8))
    assert head.read_trees(projected, head.score_bands(projected), nothing).shape == (0, 3)
