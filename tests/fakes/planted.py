"""Made-up secrets in the shapes their issuers use, put together so that no file holds one."""

from __future__ import annotations

import base64

_LONG = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 4

DISCORD_TOKEN = ".".join([base64.b64encode(b"123456789012345678").decode(), "GaBcDe", _LONG[:38]])
WEBHOOK = "/".join(["https://discord.com/api/webhooks", "123456789012345678", _LONG[:68]])
MODEL_KEY = "sk-" + _LONG[:48]
PROJECT_KEY = "sk-" + "proj-" + _LONG[:60]
GITHUB_TOKEN = "ghp_" + _LONG[:36]
FINE_GITHUB_TOKEN = "github_" + "pat_" + _LONG[:60]
SLACK_TOKEN = "xo" + "xb-" + "1234567890-" + _LONG[:24]
AWS_KEY = "AK" + "IA" + "Q7RXN2PLMS4TVWBZ"
SIGNED_TOKEN = ".".join(["ey" + "J" + _LONG[:20], "ey" + "J" + _LONG[:30], _LONG[:43]])
PRIVATE_KEY = "\n".join(
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        *(["ABCDefgh12345678" * 4] * 24),
        "abcdEFG=",
        "-----END " + "RSA PRIVATE KEY-----",
    ]
)

EVERY = {
    "Discord token": DISCORD_TOKEN,
    "model key": MODEL_KEY,
    "project key": PROJECT_KEY,
    "GitHub token": GITHUB_TOKEN,
    "fine-grained GitHub token": FINE_GITHUB_TOKEN,
    "Slack token": SLACK_TOKEN,
    "AWS key": AWS_KEY,
    "signed token": SIGNED_TOKEN,
    "private key": PRIVATE_KEY,
}
