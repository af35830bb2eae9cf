"""How findings are written, a file each: hadolint's formats to the byte, and GitHub's.

Those that read them compare names and ids, so the programs' and engines' names in gnu,
sonarqube and junit stay hadolint's.
"""
