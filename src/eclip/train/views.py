"""Which views of a product are contrasted: its picture with its title, and either with those of its mates.

Mates are listings of one loss group. A shop without pictures trains on titles of mates alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from eclip.errors import ConfigError
from eclip.train.checks import require_at_least_zero, require_share

EXTRA_TEXT = ("brand", "category", "attributes")


@dataclass(frozen=True, kw_only=True)
class ViewsConfig:
    """What each product is drawn to, how strongly, and what its text holds."""

    picture_title: float = 1.0
    """Weight of the loss between a product's picture and its title; 0 = off."""
    title_title: float = 0.0
    """Weight of the loss between a product's title and another title of its loss group; 0 = off."""
    picture_picture: float = 0.0
    """Weight of the loss between a product's picture and another one of its own or of its loss group; 0 = off."""
    extra_text: tuple[str, ...] = ()
    """What is written behind a title in training: brand, category, attributes."""
    extra_text_share: float = 0.5
    """How often each of these fields is there, each time anew, so that the title alone still works."""

    def __post_init__(self) -> None:
        for name in ("picture_title", "title_title", "picture_picture"):
            require_at_least_zero(f"views.{name}", getattr(self, name))
        if not self.weights:
            raise ConfigError("views: picture_title, title_title and picture_picture are all 0: nothing to learn from")
        if isinstance(self.extra_text, str) or not set(self.extra_text) <= set(EXTRA_TEXT):
            raise ConfigError(f"views.extra_text = {self.extra_text!r}: expected a list of {', '.join(EXTRA_TEXT)}")
        object.__setattr__(self, "extra_text", tuple(self.extra_text))  # lists of a file become tuples
        require_share("views.extra_text_share", self.extra_text_share)

    @property
    def weights(self) -> dict[str, float]:
        """The terms that are on, with their weights."""
        terms = {
            "picture_title": self.picture_title,
            "title_title": self.title_title,
            "picture_picture": self.picture_picture,
        }
        return {name: weight for name, weight in terms.items() if weight}

    @property
    def need_pictures(self) -> bool:
        """Whether any term looks at pictures."""
        return bool(self.picture_title or self.picture_picture)

    @property
    def need_titles(self) -> bool:
        """Whether any term reads titles."""
        return bool(self.picture_title or self.title_title)


def only(term: str) -> ViewsConfig:
    """One term alone: picture_title, title_title or picture_picture."""
    return ViewsConfig(
        picture_title=float(term == "picture_title"),
        title_title=float(term == "title_title"),
        picture_picture=float(term == "picture_picture"),
    )
