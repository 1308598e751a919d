"""No property test fails because the machine was busy: nothing here asserts on time."""

from hypothesis import settings

settings.register_profile("nyxcore", deadline=None)
settings.load_profile("nyxcore")
