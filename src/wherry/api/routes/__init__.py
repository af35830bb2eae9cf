"""What each path answers, a module for each noun: parse, call, answer."""
