"""Logs of containers: written by the shim in whole chunks, read by whoever asks."""
