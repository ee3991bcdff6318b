"""Product clustering."""
