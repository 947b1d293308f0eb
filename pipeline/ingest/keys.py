"""What opens doors: keys and tokens as their makers write them, private keys, passwords in addresses and assignments.

The makers' forms are public (their documentation, and the patterns that secret scanners share). They are written so that Python and RE2
read them alike: no look-around.
"""

import re

from pipeline.ingest.shapes import Found

MAKERS = (
    r"sk-(?:[a-z]{2,8}\d{0,2}-)?[\w\-]{20,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek
    r"[srp]k_(?:live|test)_\w{10,}",  # Stripe
    r"whsec_[\w+/]{24,}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",  # AWS
    r"gh[pousr]_[0-9A-Za-z]{20,}",
    r"github_pat_\w{20,}",
    r"gl(?:pat|ptt|dt|rt|cbt|ft|soat)-[\w\-]{20,}",
    r"xox[abeoprs]-[\w\-]{10,}",
    r"xapp-\d-[\w\-]{20,}",
    r"AIza[\w\-]{35}",  # Google
    r"ya29\.[\w\-]{20,}",
    r"GOCSPX-[\w\-]{20,}",
    r"hf_[0-9A-Za-z]{20,}",
    r"npm_[0-9A-Za-z]{30,}",
    r"pypi-[\w\-]{40,}",
    r"SG\.[\w\-]{16,}\.[\w\-]{16,}",  # SendGrid
    r"key-[0-9a-f]{32}\b",  # Mailgun
    r"do[opr]_v1_[0-9a-f]{40,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    r"dapi[0-9a-f]{32}\b",  # Databricks
    r"gsk_[0-9A-Za-z]{30,}",
    r"xai-[0-9A-Za-z]{40,}",
    r"pplx-[0-9A-Za-z]{30,}",
    r"r8_[0-9A-Za-z]{30,}",
    r"lin_api_[0-9A-Za-z]{30,}",
    r"(?:ntn|secret)_[0-9A-Za-z]{40,}",  # Notion
    r"figd_[\w\-]{30,}",
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{20,}",
    r"sq0[a-z]{3}-[\w\-]{22,}",
    r"dp\.(?:pt|st|ct|sa)\.[\w.\-]{30,}",
    r"hvs\.[\w\-]{20,}",
    r"ATATT3[\w\-=]{40,}",
    r"NRAK-[0-9A-Z]{20,}",
    r"glsa_\w{32,}",
    r"sntry[su]_[\w+/=]{30,}",
    r"dckr_pat_[\w\-]{20,}",
    r"sbp_[0-9a-f]{40}\b",
    r"AGE-SECRET-KEY-1[0-9A-Z]{40,}",
    r"eyJ[\w\-]{10,}\.[\w\-]{10,}\.[\w\-]{5,}",  # JSON web token
    r"\d{8,10}:AA[\w\-]{32,33}",  # Telegram
)
HOOK = r"hooks\.slack\.com/(?:services|workflows)/[\w/]{20,}|discord(?:app)?\.com/api/webhooks/\d{10,}/[\w\-]{20,}"
BLOCK = "-----BEGIN "
NAMES = r"key|token|secret|credential"
KEY = re.compile(
    rf"""-----BEGIN\ [A-Z0-9 ]{{0,40}}PRIVATE\ KEY(?:\ BLOCK)?-----(?:[\w+/=\s\\:,.()]|-(?!-)){{0,16384}}(?:-----END\ [A-Z0-9 ]{{0,40}}PRIVATE\ KEY(?:\ BLOCK)?-----)?
    | (?<![\w\-])(?:{"|".join(MAKERS)})
    | (?:{HOOK})
    | (?<=[Bb]earer\ )[\w.~+/\-]{{20,}}=*
    | (?i:{NAMES})["']?\s{{0,3}}[:=]\s{{0,3}}["']?(?P<value>(?=[\w+/\-]{{0,40}}\d)(?=[\w+/\-]{{0,40}}[A-Za-z])[\w+/\-]{{20,}}=*)""",
    re.VERBOSE | re.ASCII,
)
KEY_HINT = rf"""-----BEGIN |(?:\b|\\[bfnrt]|\\u00[01][0-9a-f])(?:{"|".join(MAKERS)})|{HOOK}|[Bb]earer [\w.~+/\-]{{20}}|(?i:{NAMES})[\\"'\s]{{0,4}}(?:\\[nrt]){{0,3}}\s{{0,3}}[:=](?:[\\"'\s]|\\[nrt]){{0,8}}[\w+/\-]{{20}}"""
KEY_SIGNS = (
    "-----begin ", "bearer ", "key", "token", "secret", "credential", "hooks.slack.com/", "/api/webhooks/", "sk-", "k_live_", "k_test_", "whsec_", "akia",
    "asia", "abia", "acca", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "xox",
    "xapp-", "aiza", "ya29.", "gocspx-", "hf_", "npm_", "pypi-", "sg.", "_v1_", "shpat_", "shpca_", "shppa_", "shpss_", "dapi", "gsk_", "xai-", "pplx-", "r8_", "lin_api_",
    "ntn_", "figd_", "pmak-", "sq0", "dp.", "hvs.", "atatt3", "nrak-", "glsa_", "sntry", "dckr_pat_", "sbp_", "eyj", ":aa",
)  # fmt: skip

# user:password@ in any address with a scheme; a template ({user}:$PASS, <password>) gives nothing away
CREDENTIALS = re.compile(
    r"(?<![\w+.\-])[A-Za-z][A-Za-z0-9+.\-]{1,20}://(?P<value>[^\s/?#@:\"'<>{}$*\ue000]{0,64}:[^\s/?#\"'<>{}$*\ue000]{1,200})@", re.ASCII
)
CREDENTIALS_HINT = r"://[^\s/?#@:\"'<>{}$*]{0,64}:[^\s/?#\"'<>{}$*]+@"
PASSWORDS = (
    "passwords?|passwort|kennwort|passwd|passphrase|pwd|mot de passe|contraseña|senha|wachtwoord|пароль|密码|密碼|口令|パスワード|비밀번호"
)
PASSWORD = re.compile(
    rf"(?:{PASSWORDS})[\"']?\s{{0,3}}(?:[:=：]|\bis\b|\bist\b|\bes\b|是|は)\s{{0,3}}[\"'`]?(?P<value>(?=[!-~]{{0,40}}\d)(?=[!-~]{{0,40}}[A-Za-z])[!#-&*+./0-9:=?-Z^_a-z|~\-\\]{{6,64}})(?![(\[A-Za-z0-9_])",
    re.IGNORECASE,
)
PASSWORD_HINT = rf"(?i:{PASSWORDS})[\\\"'\s]{{0,4}}(?:\\[nrt]){{0,3}}\s{{0,3}}(?:[:=：]|is|ist|es|是|は)"
PASSWORD_SIGNS = ("pass", "pwd", "kennwort", "contrase", "senha", "wachtwoord", "пароль", "密", "口令", "パスワード", "비밀번호")
CODE = re.compile(r"\.\w|^\$|^%|^(?:os|env|process|config|settings|self|request|args)\b|://", re.IGNORECASE)


def is_credentials(found: Found) -> int:
    """`user:password@` itself, as manuals write it, is nobody's."""
    words = found.text.lower().split(":", 1)
    return (
        0 if set(words) <= {"", "user", "username", "usr", "pass", "password", "passwd", "pwd", "pw", "xxx", "secret"} else len(found.text)
    )


def is_password(found: Found) -> int:
    """A made-up word with letters and digits; a name out of a program, or a sentence that goes on, is none."""
    ends = len(found.text) - len(found.text.rstrip(".!?:。，、"))
    value = found.text[: len(found.text) - ends]
    return 0 if len(value) < 6 or CODE.search(value) or not any(c.isdigit() for c in value) else len(value)
