"""What is refused of personas."""

from __future__ import annotations

from nyxcore.errors import Conflict


class PersonaBuiltIn(Conflict):
    """A persona of the product is the same for all tenants and is changed by none."""

    code = "persona_built_in"


class PersonaKeyTaken(Conflict):
    """Another persona that can be chosen has this key."""

    code = "persona_key_taken"


class TooManyPersonas(Conflict):
    """The tenant has as many personas of its own as the picker shows."""

    code = "too_many_personas"
