"""The Dockerfile language as BuildKit's frontend reads it, and the ignore files beside it.

    text ──lines──> statements ──instructions──> Dockerfile(global arguments, stages, warnings)

`parser.parse` does all of it and needs no context, image or engine. Every token keeps its place
in the text (`source.Span`, characters; `Source.position` tells line, column and byte), so that a
linter can point at it and rewrite it. Words stay as they were written; `words.Expander` replaces
variables when a builder knows them. Nothing is imported here: name the module.

| module | holds |
| --- | --- |
| `source` | the text, spans and positions |
| `lines` | physical lines into directives, comments, blanks and statements; heredoc bodies |
| `statement` | what the lexer hands on: keyword, flags, arguments, heredocs |
| `instructions` | the instructions as values |
| `reading` | statements into instructions |
| `parser` | all together: stages, errors collected |
| `words` | quotes, escapes and variables |
| `mounts` | the keys of `RUN --mount` and `--device` |
| `printing` | a file back as it was, or in its normal form |
| `ignorefile`, `patterns` | `.dockerignore` |
"""
