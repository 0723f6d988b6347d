"""minirnn: recurrent and convolutional networks for computer vision, every gradient written by hand in NumPy."""

__version__ = "0.1.0"
