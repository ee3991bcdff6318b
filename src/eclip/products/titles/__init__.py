"""Clean titles: named rules, promotion phrases by language, and phrases learned from the feed."""
