"""Control groups, versions 1, 2 and hybrid, behind one protocol."""
