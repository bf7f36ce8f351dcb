def make_lstm_coref():
    pass
