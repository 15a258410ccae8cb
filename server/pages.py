"""The few pages that are ours: login and short messages. Self-contained: no script, no request."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

_STYLE = """
body{font-family:system-ui,sans-serif;background:#18181b;color:#e4e4e7;margin:0;
display:grid;place-items:center;min-height:100vh}
main{background:#27272a;border:1px solid #3f3f46;border-radius:8px;padding:2rem;
width:min(22rem,calc(100vw - 6rem))}
h1{font-size:1.2rem;margin:0 0 1rem}
p{line-height:1.5}
label{display:block;margin:.8rem 0 .3rem}
input{width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #52525b;border-radius:4px;
background:#18181b;color:inherit;font:inherit}
button{margin-top:1.2rem;width:100%;padding:.6rem;border:0;border-radius:4px;background:#c2410c;
color:#fff;font:inherit;cursor:pointer}
a{color:#fb923c}
[role=alert]{color:#fca5a5}
"""


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )


def message_page(status: int, detail: str) -> str:
    """A page with one sentence; `detail` is plain text."""
    phrase = HTTPStatus(status).phrase
    body = f"<h1>{status} {escape(phrase)}</h1><p>{escape(detail)}</p>"
    return _page(f"{phrase} - Overpaint", body)


def login_page(action: str, following: str, message: str, *, with_token: bool) -> str:
    """The login form: name and password, or the access token where there are no users.

    `action` is the path to post to, `following` the local path to go to afterwards, `message` plain
    text shown above the fields or empty.
    """
    alert = f'<p role="alert">{escape(message)}</p>' if message else ""
    name = (
        ""
        if with_token
        else '<label for="u">User name</label>'
        '<input id="u" name="username" autocomplete="username" autocapitalize="none" autofocus>'
    )
    label = "Access token (at the end of the link printed on the console)"
    body = (
        f'<h1>Overpaint</h1>{alert}<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="next" value="{escape(following)}">{name}'
        f'<label for="p">{label if with_token else "Password"}</label>'
        '<input id="p" name="password" type="password" autocomplete="current-password">'
        '<button type="submit">Log in</button></form>'
    )
    return _page("Log in - Overpaint", body)
