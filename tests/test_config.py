"""Settings: what stops a function from starting, and where secrets come from."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import boto3
import pytest
from moto import mock_aws
from pydantic import SecretStr

from sidestream import config
from sidestream.config import ChatSettings, Settings, SettingsError

MARKER = "planted-secret-value-0123456789abcdef"

COMPLETE = {
    "DATABASE_URL": "postgresql://sidestream_app:pw@127.0.0.1/x",
    "TOOL_SIGNING_KEY": "t" * 32,
    "SESSION_SIGNING_KEY": "s" * 32,
    "AUTH_ISSUERS": '[{"issuer":"https://a","audience":"b","jwks_url":"https://a/jwks"}]',
    "TOOLS_MCP_URL": "https://tasks.example/mcp",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for field in ChatSettings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
        monkeypatch.delenv(f"{field.upper()}_SECRET_ARN", raising=False)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    config.refresh()
    yield monkeypatch
    config.refresh()


@pytest.fixture
def aws(environment: pytest.MonkeyPatch) -> Iterator[None]:
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    environment.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def create_secret(name: str, value: str) -> str:
    secret = boto3.client("secretsmanager").create_secret(Name=name, SecretString=value)
    return str(secret["ARN"])


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)

    with pytest.raises(SettingsError, match=rf"^The setting {name} is missing\.$"):
        ChatSettings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOOL_SIGNING_KEY", "planted"),
        ("AUTH_ISSUERS", f"{{{MARKER}"),
        ("AUTH_ISSUERS", f'[{{"issuer": "{MARKER}"}}]'),
        ("MODELS", f'["{MARKER}"]'),
        ("CORS_ORIGINS", f'\n["https://{MARKER}", "https://b"]'),
        ("MCP_ALLOWED_HOSTS", f'[ "{MARKER}:*" ]'),
        ("TOOLS_MCP_URL", MARKER),
        ("MODEL_API", MARKER),
        ("MAX_TURNS", MARKER),
        ("MAX_TURNS", "0"),
        ("SESSION_TTL_S", "-5"),
        ("TOOLS_MCP_AUTH", MARKER),
        ("DATABASE_URL", f'{{"username":"a","password":"{MARKER}"}}'),
        ("DATABASE_URL", MARKER),
        ("DATABASE_URL", f"host=h user=a password={MARKER}"),
        ("DATABASE_URL", f"https://a:{MARKER}@h/x"),
        ("DATABASE_URL", f"postgresql://{MARKER}"),
        ("DATABASE_URL", f"postgresql://a:{MARKER}@/x"),
        ("DATABASE_URL", f"postgresql://a:pw@{MARKER}@h/x"),
        ("DATABASE_URL", f"postgresql://a:{MARKER}@h/x?pgbouncer=true"),
        ("DATABASE_URL", f"postgresql://a:pw/{MARKER}@h/x"),
        ("DATABASE_URL", f"postgresql://a:1/{MARKER}@h/x"),
        ("DATABASE_URL", f"postgresql://a:p@w/{MARKER}@h/x"),
        ("DATABASE_URL", f"postgresql://a:%{MARKER}@h/x"),
        ("DATABASE_URL", f"postgresql://a:pw@h:{MARKER}/x"),
    ],
)
def test_a_malformed_setting_is_named_and_not_quoted(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)

    with pytest.raises(SettingsError, match=rf"^The setting {name} is not valid") as caught:
        ChatSettings.load()
    assert MARKER not in str(caught.value)
    assert "planted" not in str(caught.value)


def test_what_the_model_reads_of_tools_fits_an_item(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TOOL_OUTPUT_BYTES_PER_RUN", "100000")
    with pytest.raises(SettingsError, match="MAX_ITEM_BYTES has to be four times as much"):
        ChatSettings.load()
    environment.setenv("MAX_ITEM_BYTES", "400000")
    assert ChatSettings.load().tool_output_bytes_per_run == 100_000


@pytest.mark.parametrize(
    "url",
    [
        "postgres://a:p%40w@h/x",
        "postgresql://a@h:5432/x?sslmode=require",
        "postgresql://a:b:c@one:1,two:2/x",
        "postgresql://a:b@[::1]:5/x",
        "postgresql://a@/x?host=/tmp",
    ],
)
def test_a_database_is_addressed_as_libpq_reads_it(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    environment.setenv("DATABASE_URL", url)

    assert ChatSettings.load().database_url.get_secret_value() == url


def test_only_calls_to_a_function_url_can_be_signed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TOOLS_MCP_AUTH", "sigv4")
    with pytest.raises(SettingsError, match="TOOLS_MCP_URL must be a Function URL") as caught:
        ChatSettings.load()
    assert str(caught.value).count("The setting") == 1
    assert "tasks.example" not in str(caught.value)

    environment.setenv("TOOLS_MCP_URL", "https://abc.lambda-url.eu-central-1.on.aws/mcp")
    assert ChatSettings.load().tools_mcp_auth == "sigv4"


PASTED = ["\n", "\r\n", " \t", "\ufeff", "\u200b", "\u00a0", "\u2028", "\u0085", "\u200f"]


@pytest.mark.parametrize("paste", PASTED, ids=ascii)
def test_what_was_pasted_round_a_value_is_no_part_of_it(
    environment: pytest.MonkeyPatch, paste: str
) -> None:
    values = COMPLETE | {
        "OPENAI_API_KEY": "sk-1",
        "MODEL": "a",
        "MAX_TURNS": "3",
        "CORS_ORIGINS": f"https://a{paste},{paste}https://b",
        "AUTH_ISSUERS": COMPLETE["AUTH_ISSUERS"].replace('a"', f'a{paste}"'),
    }
    for name, value in values.items():
        environment.setenv(name, paste + value + paste)
    loaded = ChatSettings.load()

    for name, value in COMPLETE.items():
        environment.setenv(name, value)
    environment.setenv("CORS_ORIGINS", "https://a,https://b")
    changes = {"openai_api_key": SecretStr("sk-1"), "model": "a", "max_turns": 3}
    assert loaded == ChatSettings.load(**changes)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("paste", PASTED, ids=ascii)
def test_what_was_pasted_round_a_secret_or_its_arn_is_no_part_of_it(
    environment: pytest.MonkeyPatch, paste: str
) -> None:
    arn = create_secret("key", f"{paste}sk-1{paste}")
    environment.setenv("OPENAI_API_KEY_SECRET_ARN", paste + arn + paste)

    assert ChatSettings.load().openai_api_key.get_secret_value() == "sk-1"


@pytest.mark.usefixtures("aws")
def test_a_secret_with_nothing_but_white_space_has_no_text(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENAI_API_KEY_SECRET_ARN", create_secret("key", " \n"))

    with pytest.raises(SettingsError, match=r"OPENAI_API_KEY .*the secret has no text"):
        ChatSettings.load()


@pytest.mark.parametrize(
    "name",
    [*COMPLETE, "OPENAI_API_KEY", "MODEL", "MODELS", "MAX_TURNS", "CORS_ORIGINS", "STAGE"],
)
@pytest.mark.parametrize(
    "wrap",
    [
        *('"{}"', "'{}'", "“{}”", "`{}`", "<{}>"),
        *("a\n{}", "a\r{}", "a\t{}", "a\x1b{}", "a\u200b{}", "a\u00a0{}", "a\u2028{}"),
    ],
    ids=ascii,
)
def test_what_cannot_be_right_is_named_and_not_quoted(
    environment: pytest.MonkeyPatch, name: str, wrap: str
) -> None:
    environment.setenv(name, wrap.format(COMPLETE.get(name, MARKER)))

    with pytest.raises(SettingsError, match=rf"^The setting {name} is not valid") as caught:
        ChatSettings.load()
    assert str(caught.value).count("The setting") == 1
    assert COMPLETE.get(name, MARKER) not in str(caught.value)


@pytest.mark.parametrize("name", [*COMPLETE, "OPENAI_API_KEY", "MODELS", "MAX_TURNS"])
@pytest.mark.parametrize(
    "line",
    ["{name}={value}", "\n{name} = {value}", "export {name}='{value}'", "${{{name}}}", "$({name})"],
)
def test_a_line_and_a_reference_are_no_values(
    environment: pytest.MonkeyPatch, name: str, line: str
) -> None:
    value = COMPLETE.get(name, MARKER)
    environment.setenv(name, line.format(name=name, value=value))

    with pytest.raises(SettingsError, match=rf"^The setting {name} is not valid") as caught:
        ChatSettings.load()
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["$-1", "${", "a${b}", "${a}b", "MODEL_=a", "amodel=b"])
def test_what_only_looks_like_one_is_a_value(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("MODEL", value)

    assert ChatSettings.load().model == value


@pytest.mark.parametrize("value", ["sk-1 sk-2", "Bearer sk-1", "sk–1", '{"OPENAI_API_KEY":"sk-1"}'])
def test_a_key_that_fits_no_header_is_named(environment: pytest.MonkeyPatch, value: str) -> None:
    environment.setenv("OPENAI_API_KEY", value)

    with pytest.raises(SettingsError, match=r"^The setting OPENAI_API_KEY is not valid"):
        ChatSettings.load()


@pytest.mark.parametrize("nothing", ["", " ", "\n", "\ufeff"], ids=ascii)
def test_a_setting_with_nothing_in_it_is_absent(
    environment: pytest.MonkeyPatch, nothing: str
) -> None:
    expected = ChatSettings.load()
    for name in {field.upper() for field in ChatSettings.model_fields} - COMPLETE.keys():
        environment.setenv(name, nothing)
        environment.setenv(f"{name}_SECRET_ARN", nothing)
    assert ChatSettings.load() == expected

    environment.setenv("DATABASE_URL", nothing)
    with pytest.raises(SettingsError, match=r"^The setting DATABASE_URL is missing\.$"):
        ChatSettings.load()


def test_dictation_can_be_left_out(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENAI_API_KEY", "sk-1")
    assert ChatSettings.load().dictation

    environment.setenv("TRANSCRIPTION_MODEL", "none")
    assert not ChatSettings.load().dictation


def test_several_mistakes_are_told_together(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATABASE_URL")
    environment.setenv("MAX_TURNS", "many")

    with pytest.raises(SettingsError) as caught:
        ChatSettings.load()
    assert "DATABASE_URL is missing" in str(caught.value)
    assert "MAX_TURNS is not valid" in str(caught.value)


@pytest.mark.usefixtures("aws")
def test_secrets_come_from_secrets_manager(environment: pytest.MonkeyPatch) -> None:
    url = f"postgresql://sidestream_app:{MARKER}@127.0.0.1/x"
    for name in ("DATABASE_URL", "TOOL_SIGNING_KEY", "SESSION_SIGNING_KEY", "OPENAI_API_KEY"):
        environment.delenv(name, raising=False)
        value = f"{name}-{MARKER}" if name != "DATABASE_URL" else url
        environment.setenv(f"{name}_SECRET_ARN", create_secret(name, value))

    loaded = ChatSettings.load()

    assert loaded.database_url.get_secret_value() == url
    assert loaded.tool_signing_key.get_secret_value() == f"TOOL_SIGNING_KEY-{MARKER}"
    assert loaded.session_signing_key.get_secret_value() == f"SESSION_SIGNING_KEY-{MARKER}"
    assert loaded.openai_api_key.get_secret_value() == f"OPENAI_API_KEY-{MARKER}"
    assert MARKER not in repr(loaded)
    assert MARKER not in str(loaded.model_dump())


@pytest.mark.usefixtures("aws")
def test_a_function_reads_only_the_secrets_it_has_a_setting_for(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SESSION_SIGNING_KEY_SECRET_ARN", "arn:aws:secretsmanager:not-readable")

    assert Settings.load().stage == "local"


@pytest.mark.usefixtures("aws")
def test_a_rotated_secret_is_read_after_refresh(environment: pytest.MonkeyPatch) -> None:
    arn = create_secret("key", "first" * 10)
    environment.setenv("TOOL_SIGNING_KEY_SECRET_ARN", arn)
    assert config.settings().tool_signing_key.get_secret_value() == "first" * 10

    boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="second" * 10)
    assert config.settings().tool_signing_key.get_secret_value() == "first" * 10
    config.refresh()

    assert config.settings().tool_signing_key.get_secret_value() == "second" * 10


@pytest.mark.usefixtures("aws")
def test_an_unreadable_secret_stops_the_start_with_a_sentence(
    environment: pytest.MonkeyPatch,
) -> None:
    missing = "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone-AbCdEf"
    environment.setenv("DATABASE_URL_SECRET_ARN", missing)

    with pytest.raises(SettingsError) as caught:
        ChatSettings.load()
    assert str(caught.value) == (
        "The setting DATABASE_URL could not be read from Secrets Manager "
        "(ResourceNotFoundException); look at DATABASE_URL_SECRET_ARN and at what the function "
        "may read."
    )


@pytest.mark.usefixtures("aws")
def test_a_binary_secret_is_refused(environment: pytest.MonkeyPatch) -> None:
    secret = boto3.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"\x00")
    environment.setenv("DATABASE_URL_SECRET_ARN", secret["ARN"])

    with pytest.raises(SettingsError, match=r"DATABASE_URL .*the secret has no text"):
        ChatSettings.load()


class TestMcpServers:
    WEATHER = '{"name": "weather", "url": "https://weather.example/mcp"'

    def load(
        self, environment: pytest.MonkeyPatch, servers: str, secrets: str = ""
    ) -> ChatSettings:
        environment.setenv("MCP_SERVERS", servers)
        environment.setenv("MCP_SERVER_SECRETS", secrets)
        return ChatSettings.load()

    def test_an_entry_is_untrusted_and_knows_nobody_unless_it_says_so(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        [server] = self.load(environment, f"[{self.WEATHER}}}]").mcp_servers
        assert (server.auth, server.trusted, server.ask_of("any")) == ("none", False, None)

    @pytest.mark.parametrize(
        ("servers", "sentence"),
        [
            ("{no JSON", "it is no JSON"),
            (f"{WEATHER}}}", "it is a list in brackets"),
            ('["weather"]', r"\(0\): it is an object in braces"),
            (f'[{WEATHER}, "tools": "peek"}}]', r"\(0\.tools\): it is a list in brackets"),
            (f"[{WEATHER}}}, {WEATHER}}}]", "two servers have the same name"),
            ('[{"name": "Weather!", "url": "https://w.example"}]', r"\(0\.name\)"),
            ('[{"name": "weather"}]', r"\(0\.url\): it is required"),
            (f'[{WEATHER}, "ask": "sometimes"}}]', '"always", "never", or a number'),
            (f'[{WEATHER}, "ask": {{"peek": 0}}}}]', '"always", "never", or a number'),
            (f'[{WEATHER}, "auth": "sigv4"}}]', "with sigv4, url must be a Function URL"),
            (f'[{WEATHER}, "trust": true}}]', r"\(0\.trust\): there is no such field"),
            ('[{"name": "w", "url": "https://me:pw@w.example"}]', "a URL has no password in it"),
        ],
    )
    def test_a_mistake_stops_the_start_with_one_sentence(
        self, environment: pytest.MonkeyPatch, servers: str, sentence: str
    ) -> None:
        with pytest.raises(SettingsError, match=sentence) as raised:
            self.load(environment, servers)
        assert str(raised.value).startswith("The setting MCP_SERVERS is not valid")
        assert str(raised.value).count("The setting") == 1
        assert "pw" not in str(raised.value)

    @pytest.mark.parametrize(
        ("auth", "secrets", "sentence"),
        [
            ("bearer", "", "it has no secret for weather of MCP_SERVERS"),
            ("bearer", '{"other": "secret-of-another"}', "it has no secret for weather"),
            ("bearer", '["secret-of-another"]', "a JSON object of secrets by the server's name"),
            ("bearer", '{"weather": "secret of another"}', "without spaces"),
            ("bearer", "{secret-of-another", "it is no JSON"),
            ("user", '{"weather": "secret-of-another"}', "needs at least 32 bytes"),
        ],
    )
    def test_a_secret_that_is_missing_is_named_and_none_is_quoted(
        self, environment: pytest.MonkeyPatch, auth: str, secrets: str, sentence: str
    ) -> None:
        with pytest.raises(SettingsError, match=sentence) as raised:
            self.load(environment, f'[{self.WEATHER}, "auth": "{auth}"}}]', secrets)
        assert "another" not in str(raised.value)

    @pytest.mark.usefixtures("aws")
    async def test_a_secret_that_was_replaced_is_found(
        self, environment: pytest.MonkeyPatch
    ) -> None:
        arn = create_secret("servers", '{"weather": "old"}')
        environment.setenv("MCP_SERVER_SECRETS_SECRET_ARN", arn)
        environment.setenv("MCP_SERVERS", f'[{self.WEATHER}, "auth": "bearer"}}]')
        secret = ChatSettings.load().server_secret("weather")
        assert secret.text == "old"
        boto3.client("secretsmanager").put_secret_value(
            SecretId=arn, SecretString='{"weather": "new"}'
        )
        assert await secret.others(("old",)) == ("new",)
        assert secret.text == "new"


class TestIssuers:
    """Each has to be told apart, and has to say whom its tokens are for."""

    ENTRY: ClassVar[dict[str, Any]] = {
        "issuer": "https://a",
        "audience": "b",
        "jwks_url": "https://a/jwks",
    }

    @pytest.mark.parametrize(
        ("changes", "read"),
        [
            ({}, (("b",), (), ())),
            ({"audience": ["b", "c"]}, (("b", "c"), (), ())),
            ({"audience": "", "client_id": "d"}, ((), ("d",), ())),
            (
                {"audience": None, "azp": ["https://e", "https://f"]},
                ((), (), ("https://e", "https://f")),
            ),
        ],
    )
    def test_a_text_or_a_list(
        self, environment: pytest.MonkeyPatch, changes: dict[str, Any], read: Any
    ) -> None:
        environment.setenv("AUTH_ISSUERS", json.dumps([{**self.ENTRY, **changes}]))
        [issuer] = Settings.load().auth_issuers
        assert (issuer.audience, issuer.client_id, issuer.azp) == read

    @pytest.mark.parametrize(
        ("entries", "reason"),
        [
            ([{"audience": ""}], "it needs an audience, a client_id or an azp"),
            ([{"audience": []}], "it needs an audience, a client_id or an azp"),
            ([{"audience": [""]}], "it needs an audience, a client_id or an azp"),
            ([{"audience": {"b": 1}}], "not valid"),
            ([{"issuer": ""}], "at least 1 character"),
            ([{"aud": "b"}], "there is no such field"),
            ([{"jwks_url": "ftp://a/jwks"}], "URL scheme"),
            ([{}, {}], "two of them have the same issuer"),
            ([{"issuer": "sidestream/sessions"}], "the name of one of ours"),
            ([{}, {"issuer": "sidestream/chat"}], "the name of one of ours"),
            ([{"same_users_as": "https://a"}], "same_users_as names another one"),
            ([{}, {"issuer": "c", "same_users_as": "d"}], "same_users_as names another one"),
            ([{}, {"issuer": "c", "same_users_as": "c"}], "same_users_as names another one"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, environment: pytest.MonkeyPatch, entries: list[dict[str, Any]], reason: str
    ) -> None:
        listed = [{**self.ENTRY, **entry} for entry in entries]
        environment.setenv("AUTH_ISSUERS", json.dumps(listed))
        with pytest.raises(
            SettingsError, match=r"^The setting AUTH_ISSUERS is not valid"
        ) as caught:
            Settings.load()
        assert reason in str(caught.value)
