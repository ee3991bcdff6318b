"""The five catalogue tasks: a room each over one small base."""
