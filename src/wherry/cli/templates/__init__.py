"""Go's text/template, for `--format`: a lexer, a parser, an executor and the functions."""
