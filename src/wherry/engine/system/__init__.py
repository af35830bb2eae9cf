"""Operations on the engine as a whole."""
