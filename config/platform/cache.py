"""Store values of the cache in Redis as JSON. Django's own serializer unpickles what it reads, so that a program
that can write to Redis could run code in every process."""

import json
from typing import Any


def in_redis(url: str) -> dict[str, object]:
    """Return Django's settings of a cache in the Redis at ``url``."""
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "OPTIONS": {"serializer": "config.platform.cache.JsonSerializer"},
        "VERSION": 2,  # keys of version 1 hold pickles
    }


class JsonSerializer:
    """Serializer of the Redis cache: for values that JSON has, and tuples, which come back as lists."""

    def dumps(self, value: Any) -> int | str:
        """Return the text to store. Integers stay numbers, so that Redis can increment them. Raises TypeError for
        values that JSON lacks."""
        return value if type(value) is int else json.dumps(value)

    def loads(self, stored: bytes) -> Any:
        return json.loads(stored)
