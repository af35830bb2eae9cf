"""Commands of `wherry-runtime` beyond the specification's operations, a module each."""
