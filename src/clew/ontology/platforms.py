"""Platform names: the one table that says which spellings mean the same platform."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from clew.ontology.text import clean_name, fold_case
from clew.ontology.value import InvalidValueError

# canonical name: other spellings, compared without case, blanks and punctuation
_SPELLINGS: Final = {
    "x": "twitter xtwitter twitterx twittercom xcom mobiletwitter formerlytwitter",
    "facebook": "fb facebookcom metafacebook",
    "instagram": "ig insta instagramcom",
    "tiktok": "tiktokcom douyintiktok",
    "github": "githubcom gh",
    "gitlab": "gitlabcom",
    "linkedin": "linkedincom",
    "youtube": "yt youtubecom youtubeuser youtubechannel",
    "reddit": "redditcom",
    "telegram": "tg tme telegramorg telegramme",
    "whatsapp": "wa whatsappcom",
    "vk": "vkontakte vkcom",
    "odnoklassniki": "ok okru",
    "hacker_news": "hackernews ycombinator newsycombinator hn newsycombinatorcom",
    "stack_overflow": "stackoverflow stackoverflowcom",
    "snapchat": "snap snapchatcom",
    "pinterest": "pinterestcom",
    "tumblr": "tumblrcom",
    "twitch": "twitchtv",
    "discord": "discordapp discordcom",
    "steam": "steamcommunity steamcommunityuser steamcommunitycom steampowered",
    "spotify": "spotifycom openspotify",
    "soundcloud": "soundcloudcom",
    "last_fm": "lastfm",
    "mastodon": "mastodonsocial",
    "bluesky": "bsky bskyapp bskysocial",
    "threads": "threadsnet threadscom",
    "medium": "mediumcom",
    "keybase": "keybaseio",
    "gravatar": "gravatarcom",
    "wordpress": "wordpresscom",
    "patreon": "patreoncom",
    "about_me": "aboutme",
    "dev_to": "devto devcommunity",
    "docker_hub": "dockerhub hubdocker hubdockercom",
    "pypi": "pypiorg",
    "npm": "npmjs npmjscom",
    "9gag": "9gagcom",
    "archive_org": "archiveorg internetarchive",
    "weibo": "sinaweibo weibocom",
    "amazon": "amazoncom",
    "google": "googlecom",
    "microsoft": "microsoftcom",
    "paypal": "paypalcom",
    "ebay": "ebaycom",
}
# platform: hosts and what stands before the handle in the path of a profile
_PROFILE_URLS: Final = {
    "x": (("x.com", "twitter.com", "mobile.twitter.com"), ""),
    "facebook": (("facebook.com", "m.facebook.com"), ""),
    "instagram": (("instagram.com",), ""),
    "tiktok": (("tiktok.com", "m.tiktok.com"), "@"),
    "github": (("github.com",), ""),
    "gitlab": (("gitlab.com",), ""),
    "linkedin": (("linkedin.com",), "in/"),
    "youtube": (("youtube.com", "m.youtube.com"), "@"),
    "reddit": (("reddit.com", "old.reddit.com"), "user/"),
    "telegram": (("t.me", "telegram.me"), ""),
    "vk": (("vk.com", "m.vk.com"), ""),
    "twitch": (("twitch.tv", "m.twitch.tv"), ""),
    "pinterest": (("pinterest.com",), ""),
    "medium": (("medium.com",), "@"),
    "threads": (("threads.net", "threads.com"), "@"),
    "soundcloud": (("soundcloud.com",), ""),
    "snapchat": (("snapchat.com",), "add/"),
    "bluesky": (("bsky.app",), "profile/"),
    "keybase": (("keybase.io",), ""),
    "steam": (("steamcommunity.com",), "id/"),
    "patreon": (("patreon.com",), ""),
    "dev_to": (("dev.to",), ""),
}
_CANONICAL: Final = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()} | {
    name.replace("_", ""): name for name in _SPELLINGS
}


def canonical_platform(name: str) -> str:
    """The platform in the product's one spelling, such as "x" for Twitter; an unknown name becomes a slug.

    Raises InvalidValueError("invalid_platform") where no letter or digit is left.
    """
    folded = fold_case(clean_name(name)).removeprefix("https://").removeprefix("http://").removeprefix("www.")
    squeezed = re.sub(r"[\W_]+", "", folded)
    if not squeezed or len(squeezed) > 100:
        raise InvalidValueError("invalid_platform", "a platform name has letters or digits, at most 100")
    return _CANONICAL.get(squeezed) or re.sub(r"[\W_]+", "_", folded).strip("_")


def handle_in_url(platform: str, url: str) -> str | None:
    """The handle inside a profile URL of the platform; None where its shape is not known."""
    known = _PROFILE_URLS.get(platform)
    if known is None:
        return None
    hosts, before = known
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    path = unquote(parts.path).strip("/")
    if host not in hosts or not path.lower().startswith(before):
        return None
    handle = path[len(before) :]
    return handle if re.fullmatch(r"[^/\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+", handle) else None
