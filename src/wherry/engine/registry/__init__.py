"""Operations on registries themselves: logging in and out, searching."""
