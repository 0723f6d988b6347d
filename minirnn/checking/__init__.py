"""The parts of `minirnn.gradcheck`: running a pair under watch, the structure of gradients, the report."""
