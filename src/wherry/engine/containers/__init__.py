"""Operations on containers."""
