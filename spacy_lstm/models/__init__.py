"""The registered architectures, one file each, over the one bridge between thinc and torch."""
