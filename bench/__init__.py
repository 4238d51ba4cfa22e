"""Measurements that `make bench` prints, each beside the same thing done without Soundstage."""
