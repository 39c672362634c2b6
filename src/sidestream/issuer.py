"""Whose tokens are accepted, as the setting `AUTH_ISSUERS` says it.

An issuer's tokens are made for somebody, which one of three claims tells: `aud` (RFC 7519, 4.1.3),
`client_id` (RFC 9068; Cognito's access tokens have no `aud`) or `azp` (OpenID Connect Core, 2;
Clerk's session tokens have nothing else). A token for somebody else is none for us.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, model_validator

SESSION_ISSUER: Final = "sidestream/sessions"
TOOL_ISSUER: Final = "sidestream/chat"
OWN_ISSUERS: Final = (SESSION_ISSUER, TOOL_ISSUER)
"""Who signs our own tokens, with secrets: nobody else may speak for them."""


KEYS_STALE_S: Final = 21_600.0
"""For how long an issuer's keys are believed after they could last be read."""


def _several(value: Any) -> Any:
    """A text for a list of one, and nothing for an empty one."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else value


type _Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_several)]


class Issuer(BaseModel):
    """A sign-in service: the `iss` of its tokens, where its keys are, and for whom they are made.

    Each of `audience`, `client_id` and `azp` that is given is a text or a list, one of which the
    token has to name; one of the three is needed. `same_users_as` names an issuer of the list whose
    people are the same: another name of one service.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, Field(min_length=1)]
    jwks_url: HttpUrl
    audience: _Names = ()
    client_id: _Names = ()
    azp: _Names = ()
    same_users_as: str = ""

    @model_validator(mode="after")
    def _made_for_somebody(self) -> "Issuer":
        if not (self.audience or self.client_id or self.azp):
            raise ValueError("it needs an audience, a client_id or an azp")
        return self


def check_issuers(issuers: Sequence[Issuer]) -> None:
    """Raise `ValueError` for issuers that cannot be told apart, or name one another wrongly."""
    names = [issuer.issuer for issuer in issuers]
    if len(set(names)) != len(names):
        raise ValueError("two of them have the same issuer: give one a list of audiences")
    if set(names) & set(OWN_ISSUERS):
        raise ValueError("an issuer cannot have the name of one of ours")
    apart = {issuer.issuer for issuer in issuers if not issuer.same_users_as}
    for place, issuer in enumerate(issuers):
        if issuer.same_users_as and (place == 0 or issuer.same_users_as not in apart):
            raise ValueError("same_users_as names another one of the list, which has none itself")
