"""The messages of BuildKit's services, as values with the numbers of their fields."""
