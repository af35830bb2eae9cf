"""The linter: hadolint's rules and BuildKit's checks, on the builder's own parser.

    text ──document──> steps, commands of their shells ──rules──> findings ──formats──> report
                                                        └─fixes──> a better text

`linter.lint` does all of it for one text; it needs no image, engine or network. A rule is a
file in `rules` (hadolint's, by code), `checks` (BuildKit's, by name) or `insights` (our own, which
ask what the engine knows): what it says, when, and how it is repaired. Nothing is imported here:
name the module.

| module | holds |
| --- | --- |
| `linter` | one text in, findings out |
| `rule`, `finding` | what a rule and a finding are |
| `catalogue`, `facts` | the table of rules, and which of them can find something in a file |
| `reading` | files read, and ShellCheck on its way |
| `document` | a Dockerfile as rules look at it |
| `shell`, `grammar` | the commands inside RUN |
| `surroundings` | what the engine knows of a file besides its text |
| `shellcheck` | ShellCheck's findings inside RUN |
| `options`, `configuration` | what is asked for; files and environment that ask for it |
| `pragmas` | comments that ask for it |
| `formats` | findings as text, JSON, XML |
| `fixes`, `pins`, `quoting`, `pipefail` | findings repaired |
"""
