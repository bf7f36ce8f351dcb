def make_lstm_sentiment():
    pass
