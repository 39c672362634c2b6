"""Why a token was refused: a code for the log, and what to look at for `sidestream doctor`.

The client is told that the token is not valid, and no more: what is wrong with a forged one is its
maker's to find out. docs/sign-in.md lists the codes.
"""

from enum import StrEnum
from typing import Final

import jwt

from sidestream.i18n import _
from sidestream.problems import Unauthorized


class TokenFault(StrEnum):
    """What is wrong with a token."""

    MALFORMED = "malformed"
    TOO_LONG = "too_long"
    UNKNOWN_ISSUER = "unknown_issuer"
    NO_KEY_ID = "no_key_id"
    UNKNOWN_KEY = "unknown_key"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    MISSING_CLAIM = "missing_claim"
    AUDIENCE = "audience"
    CLIENT_ID = "client_id"
    AZP = "azp"
    SUBJECT = "subject"
    PENDING = "pending"


ADVICE: Final = {
    TokenFault.MALFORMED: "It is no JWT (an opaque token?): ask the sign-in for one.",
    TokenFault.TOO_LONG: "It is longer than 8,192 characters: let the sign-in put less into it.",
    TokenFault.UNKNOWN_ISSUER: "Its iss is none of AUTH_ISSUERS, letter by letter.",
    TokenFault.NO_KEY_ID: "Its header has no kid.",
    TokenFault.UNKNOWN_KEY: "The key set has no key of its kid: look at jwks_url.",
    TokenFault.ALGORITHM: "Its alg is not that of its key: EdDSA, ES256 or RS256.",
    TokenFault.SIGNATURE: "The key of its kid did not sign it.",
    TokenFault.EXPIRED: "It has expired: get a new one.",
    TokenFault.NOT_YET_VALID: "Its nbf or iat is in the future: compare the clocks.",
    TokenFault.MISSING_CLAIM: "It lacks one of exp, iat, iss and sub.",
    TokenFault.AUDIENCE: "Its aud is not the issuer's audience in AUTH_ISSUERS.",
    TokenFault.CLIENT_ID: "Its client_id is not one of the issuer's in AUTH_ISSUERS.",
    TokenFault.AZP: "Its azp is not one of the issuer's in AUTH_ISSUERS.",
    TokenFault.SUBJECT: "Its sub is no text of 1 to 255 characters that can be shown.",
    TokenFault.PENDING: "Its session is pending: the person has not finished signing in.",
}
"""What each says to whoever set up the sign-in."""


_EXPIRED: Final = _("The token has expired.")
_NOT_VALID: Final = _("The token is not valid.")


class TokenRefused(Unauthorized):
    """A token that speaks for nobody. `fault` is for us."""

    def __init__(self, *, fault: TokenFault) -> None:
        super().__init__(_EXPIRED if fault is TokenFault.EXPIRED else _NOT_VALID)
        self.fault = fault


_BY_ERROR: Final[tuple[tuple[type[jwt.PyJWTError], TokenFault], ...]] = (
    (jwt.ExpiredSignatureError, TokenFault.EXPIRED),
    (jwt.ImmatureSignatureError, TokenFault.NOT_YET_VALID),
    (jwt.InvalidAudienceError, TokenFault.AUDIENCE),
    (jwt.InvalidIssuerError, TokenFault.UNKNOWN_ISSUER),
    (jwt.exceptions.InvalidSubjectError, TokenFault.SUBJECT),
    (jwt.InvalidSignatureError, TokenFault.SIGNATURE),
    (jwt.InvalidAlgorithmError, TokenFault.ALGORITHM),
)


def fault_of(error: Exception) -> TokenFault:
    """Give the fault that an error of PyJWT stands for."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return TokenFault.AUDIENCE if error.claim == "aud" else TokenFault.MISSING_CLAIM
    found = (fault for kind, fault in _BY_ERROR if isinstance(error, kind))
    return next(found, TokenFault.MALFORMED)
