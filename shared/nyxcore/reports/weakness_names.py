"""Names of weaknesses, in English and German: prose may speak of those alone that its facts speak of; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# One idea a line, however it is written: a German sentence may say in German what a rule's title says in English.
_IDEAS: Final[Sequence[str]] = (
    r"inject\w*|injektion\w*|einschleus\w*|sqli",
    r"passw\w*|passphrase\w*|kennw[oö]rt\w*|credential\w*|zugangsdaten|secrets?|geheimniss?\w*|hard-?coded|hart\w*codiert\w*",
    r"api[- ]?keys?|access keys?|private keys?|api-schlüssel|tokens?",
    r"xss|cross-site\w*|scripting",
    r"csrf|xsrf|forgery",
    r"ssrf|server-side request\w*",
    r"xxe|external entit\w*|entity expansion",
    r"rce|code execution|codeausführung|remote code|schadcode|malware|backdoor\w*|hintertür\w*",
    r"travers\w*|zip ?slip|path manipulation",
    r"deseriali[sz]\w*|deserialisier\w*|pickle\w*|unmarshal\w*",
    r"overflow\w*|überlauf\w*|pufferüber\w*|out[- ]of[- ]bounds|use[- ]after[- ]free|dangling",
    r"race condition\w*|races?|wettlauf\w*|toctou|deadlock\w*|verklemmung\w*",
    r"leak\w*|disclos\w*|offenleg\w*|preisgab\w*",
    r"root|admin\w*|superuser\w*|sudo|privileg\w*|escalat\w*|rechteausweitung\w*",
    r"shells?|subprocess\w*|command line|kommandozeile\w*|os command",
    r"eval|exec",
    r"md5|sha-?1|des|rc4|weak hash\w*|hash\w*|hashing",
    r"encrypt\w*|unencrypted|plain-?text|cleartext|verschlüssel\w*|unverschlüssel\w*|klartext\w*|crypto\w*|krypto\w*|cipher\w*",
    r"tls|ssl|https?|certificat\w*|zertifikat\w*",
    r"denial[- ]of[- ]service|d?dos|redos|brute[- ]?force\w*",
    r"open redirect\w*|redirect\w*|weiterleitung\w*|clickjack\w*|phishing|spoof\w*",
    r"authenti\w*|authoris\w*|authoriz\w*|autorisier\w*|log-?in\w*|anmeld\w*|permission\w*|berechtigung\w*|cookies?|sessions?|sitzung\w*|cors|jwt",
    r"random\w*|zufall\w*",
    r"prototype pollution|format string\w*|timing attack\w*|side channel\w*|seitenkanal\w*",
    r"null pointer\w*|nullzeiger\w*|dereferenc\w*|division by zero",
    r"sql|ldap|xpath|xml|yaml",
)
_PATTERNS: Final = tuple(re.compile(rf"(?<!\w)(?:{idea})(?!\w)", re.IGNORECASE) for idea in _IDEAS)


def foreign_weakness(prose: str, facts: str) -> str | None:
    """The first name of a weakness in `prose` of which the facts do not speak in either language, or None."""
    for pattern in _PATTERNS:
        found = pattern.search(prose)
        if found is not None and pattern.search(facts) is None:
            return found[0]
    return None


def speaks_of_weakness(text: str) -> bool:
    """Whether a name of one stands in the text."""
    return any(pattern.search(text) for pattern in _PATTERNS)
