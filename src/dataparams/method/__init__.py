"""The method of the paper: loss, sparse step, learning rate; needs PyTorch alone."""
