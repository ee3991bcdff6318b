"""Feeds as shop systems write them: which columns mean what, and rows that must be put together first."""

from __future__ import annotations

from eclip.products.feeds.platforms import google, magento, shopify
from eclip.products.feeds.platforms.platform import Platform, PlatformFeed, recognised

PLATFORMS: dict[str, Platform] = {
    platform.name: platform for platform in (shopify.PLATFORM, magento.PLATFORM, google.PLATFORM)
}

__all__ = ["PLATFORMS", "Platform", "PlatformFeed", "recognised"]
