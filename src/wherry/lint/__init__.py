"""The linter: hadolint's rules and BuildKit's checks, on the builder's own parser.

    text ──document──> steps, commands of their shells ──rules──> findings ──formats──> report
                                                        └─fixes──> a better text

`linter.lint` does all of it for one text; it needs no image, engine or network. A rule is a
file in `rules` (hadolint's, by code) or `checks` (BuildKit's, by name): what it says, when, and
how it is repaired. Nothing is imported here: name the module.

| module | holds |
| --- | --- |
| `linter` | one text in, findings out |
| `rule`, `finding` | what a rule and a finding are |
| `catalogue` | the table of rules |
| `document` | a Dockerfile as rules look at it |
| `shell` | the commands inside RUN |
| `shellcheck` | ShellCheck's findings inside RUN |
| `options`, `configuration` | what is asked for; files and environment that ask for it |
| `pragmas` | comments that ask for it |
| `formats` | findings as text, JSON, XML |
| `fixes` | findings repaired |
"""
