"""The process that supervises one container, and the launcher that forks it."""
