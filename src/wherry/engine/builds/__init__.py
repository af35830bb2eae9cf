"""Operations on builds and their cache."""
