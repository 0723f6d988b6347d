"""The lessons by file name, in order."""

TITLES = {
    "00_start": "Start here",
    "01_gradients": "Gradients by hand",
    "02_checking": "Trust, but check",
    "03_convolution": "Convolution",
    "04_seeing": "A network that sees",
    "05_sequences": "Sequences in vision",
    "06_bptt": "Backpropagation through time",
    "07_lstm": "LSTM",
    "08_gru": "GRU",
    "09_words": "Words",
    "10_captioner": "The captioner",
    "11_decoding": "Saying and judging",
    "12_attention": "Attention",
    "13_photographs": "Real photographs",
}
