"""The five catalogue tasks: one file each over one small base."""
