"""The sign-in: whether its keys can be read, and whether a token of it is accepted."""

from sidestream import network
from sidestream.cli.checks.finding import Finding, failed, ok, unchecked, warning
from sidestream.cli.checks.settings import Configuration
from sidestream.identity import Verifier
from sidestream.issuer import Issuer
from sidestream.key_source import KeysUnread, read_keys
from sidestream.problems import Unavailable
from sidestream.public_keys import NotAKeySet, read_key_set
from sidestream.signing_key import session_key
from sidestream.token_fault import ADVICE, TokenRefused


async def keys(issuer: Issuer) -> Finding:
    """Whether an identity provider publishes a key of a kind that is accepted, out of reach for
    whoever is in between."""
    what, url = f"The key set of {issuer.issuer}", str(issuer.jwks_url)
    try:
        found = read_key_set(await read_keys(url))
    except KeysUnread as error:
        return failed(f"{what}: {error.reason}; look at AUTH_ISSUERS' jwks_url and the network.")
    except NotAKeySet as error:
        return failed(f"{what} {error}; look at AUTH_ISSUERS' jwks_url.")
    if issuer.jwks_url.scheme == "http" and not network.is_loopback(url):
        return warning(f"{what} is read over http, where anybody on the way can put in their own.")
    algorithms = ", ".join(sorted({key.algorithm for key in found.usable.values()}))
    ignored = "".join(f", {count} ignored ({why})" for why, count in found.ignored.items())
    return ok(f"{len(found.usable)} usable ({algorithms}){ignored}.")


async def accepted(found: Configuration, token: str | None) -> Finding:
    """Whether the token that is shown speaks for somebody, by the settings here, and else why
    not."""
    issuers = found.require("auth_issuers").auth_issuers
    if not token:
        return unchecked("Give a token of yours with --token.")
    ours = found.get("session_signing_key")
    secrets = [ours.session_signing_key.get_secret_value()] if ours else []
    verifier = Verifier(issuers, [session_key(secret, 0) for secret in secrets])
    try:
        await verifier.claims(token)
    except TokenRefused as refused:
        return failed(f"{refused.fault}: {ADVICE[refused.fault]}")
    except Unavailable:
        return unchecked("The keys of its issuer cannot be read.")
    finally:
        await verifier.close()
    return ok("It speaks for a person.")
