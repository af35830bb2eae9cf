"""Completion in shells: where the cursor stands, what can stand there, and the shells' own part.

    the shell ──words──> place ──> choices ──lines──> the shell

The shell calls `wherry __complete WORDS`, the last word being the one that is written, and gets a
line for each value, with a tab and a description where there is one; the last line begins with a
colon and names what the shell itself may offer: `:files`, `:folders`, or nothing.
"""
