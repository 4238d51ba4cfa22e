"""The rules for tags, which every taggable noun asks when a resource is made."""

from soundstage.wire.faults import ValidationError

MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256


def check(tags: dict[str, str]) -> dict[str, str]:
    """Give the tags back, or raise ValidationError naming the tag and the limit."""
    if len(tags) > MOST_TAGS:
        raise ValidationError(f"tags: {len(tags)} tags are more than the {MOST_TAGS} allowed.")
    for key, value in tags.items():
        if not 1 <= len(key) <= LONGEST_KEY:
            raise ValidationError(f"tags: a key must have 1 to {LONGEST_KEY} characters.")
        if key.lower().startswith("aws:"):
            raise ValidationError(f"tags: the key '{key}' begins with 'aws:', which is reserved.")
        if len(value) > LONGEST_VALUE:
            raise ValidationError(
                f"tags: the value of '{key}' is longer than {LONGEST_VALUE} characters."
            )
    return tags
