"""Every kind of token that is none, on every route that needs one."""

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidestream.local import sign_in
from sidestream.local.keys import LocalKeys
from sidestream.local.system import LocalSystem
from sidestream.signing_key import session_key, tool_key
from tests.chat.catalogue import ROUTES
from tests.chat.client import Client, Document, create_request
from tests.chat.conftest import MakePerson, Rows


class _Tokens:
    """Every kind of token that is none."""

    def __init__(self, system: LocalSystem, user_id: str) -> None:
        self._keys = LocalKeys.of(system.options.folder)
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self._keys.sign_in_key))
        self._user_id = user_id

    def claims(self, **changes: Any) -> Document:
        now = int(time.time())
        claims = {
            "iss": sign_in.ISSUER,
            "aud": sign_in.AUDIENCE,
            "sub": self._user_id,
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in {**claims, **changes}.items() if value is not ...}

    def signed(self, kid: Any = "local", **changes: Any) -> str:
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(self.claims(**changes), self._key, "EdDSA", headers=headers)

    def good(self) -> str:
        return self.signed()

    def bad(self) -> dict[str, str | None]:
        good, now = self.good(), int(time.time())
        head, payload, signature = good.split(".")
        public = self._key.public_key().public_bytes_raw().hex() * 2
        stranger = Ed25519PrivateKey.generate()
        deep = jwt.utils.base64url_encode(b"[" * 6_000).decode()
        session = session_key(self._keys.session_signing_key, 600)
        wrong_key = session_key("another secret of more than 32 bytes", 600)
        expired = session_key(self._keys.session_signing_key, -600)
        return {
            "none": None,
            "empty": "",
            "scheme alone": "Bearer",
            "another scheme": f"Basic {good}",
            "no scheme": good,
            "garbage": "Bearer garbage",
            "dots": "Bearer ..",
            "beyond ASCII": "Bearer é.é.é",
            "two tokens": f"Bearer {good} {good}",
            "cut": f"Bearer {head}.{payload}",
            "cut signature": f"Bearer {head}.{payload}.{signature[:-4]}",
            "another payload": f"Bearer {head}.{self.signed(sub='root').split('.')[1]}.{signature}",
            "deep payload": f"Bearer {head}.{deep}.{signature}",
            "deep header": f"Bearer {deep}.{payload}.{signature}",
            "long": f"Bearer {head}.{'a' * 9_000}.{signature}",
            "unsigned": f"Bearer {jwt.encode(self.claims(), '', 'none')}",
            "public key as secret": f"Bearer {jwt.encode(self.claims(), public, 'HS256')}",
            "stranger's key": "Bearer "
            + jwt.encode(self.claims(), stranger, "EdDSA", headers={"kid": "local"}),
            "unknown key": f"Bearer {self.signed(kid='other')}",
            "no key": f"Bearer {self.signed(kid=None)}",
            "empty key": f"Bearer {self.signed(kid='')}",
            "expired": f"Bearer {self.signed(exp=now - 600)}",
            "of the future": f"Bearer {self.signed(nbf=now + 600)}",
            "issued in the future": f"Bearer {self.signed(iat=now + 600)}",
            "another audience": f"Bearer {self.signed(aud='elsewhere')}",
            "another issuer": f"Bearer {self.signed(iss='elsewhere')}",
            "no issuer": f"Bearer {self.signed(iss=...)}",
            "no expiry": f"Bearer {self.signed(exp=...)}",
            "no audience": f"Bearer {self.signed(aud=...)}",
            "no subject": f"Bearer {self.signed(sub=...)}",
            "empty subject": f"Bearer {self.signed(sub='')}",
            "long subject": f"Bearer {self.signed(sub='s' * 256)}",
            "NUL in the subject": f"Bearer {self.signed(sub='a' + chr(0))}",
            "tool token": "Bearer " + tool_key(self._keys.tool_signing_key).mint(self._user_id)[0],
            "session of another secret": f"Bearer {wrong_key.mint(self._user_id)[0]}",
            "expired session": f"Bearer {expired.mint(self._user_id)[0]}",
            "session claimed by EdDSA": f"Bearer {self.signed(iss=session.issuer, aud='chat')}",
        }


async def test_every_kind_of_wrong_token_is_refused_everywhere(
    system: LocalSystem, person: MakePerson, rows: Rows
) -> None:
    alice = person()
    tokens = _Tokens(system, alice.user_id)
    begun = await alice.create("hello")
    before = await rows("select * from thread_items where user_id = %s", alice.user_id)
    place = {"user": alice.user_id, "thread": begun.thread_id, "run": begun.run_id}
    del alice.http.headers["authorization"]
    for kind, value in tokens.bad().items():
        for method, path in ROUTES:
            headers = [] if value is None else [("authorization", value.encode("latin-1"))]
            answer = await alice.request(
                method, path.format(**place), json=create_request("hello"), headers=headers
            )
            assert answer.status == 401, (kind, method, path, answer.body)
            assert answer.problem["code"] == "unauthorized"
            # Function URLs rename this header.
            assert answer.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
    after = await rows("select * from thread_items where user_id = %s", alice.user_id)
    assert after == before
    alice.http.headers["authorization"] = f"Bearer {tokens.good()}"
    assert (await alice.create("hello")).text


async def test_session_token_is_no_sign_in(alice: Client) -> None:
    session = (await alice.request("POST", "/api/chatkit/session")).json()
    alice.http.headers["authorization"] = f"Bearer {session['client_secret']}"
    assert (await alice.create("hello")).text
    for path in ("/api/chatkit/session", f"/api/{alice.user_id}/chat/session"):
        answer = await alice.request("POST", path)
        assert answer.status == 401, answer.body
