from spacy_lstm.coref.groups import numbered_keys


def test_numbered_keys():
    keys = ["c_10", "c_2", "c_mine", "c_", "xc_1", "c_1_2", "c_1x", "c1", "c_01", "d_1", "c_²"]
    assert numbered_keys(keys, "c") == [(1, "c_01"), (2, "c_2"), (10, "c_10")]
    assert numbered_keys(["a.b_1", "axb_1"], "a.b") == [(1, "a.b_1")]
    assert numbered_keys([], "c") == []
