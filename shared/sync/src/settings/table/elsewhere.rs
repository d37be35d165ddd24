//! What coreBOS calls a setting and is something else here.

/// Names that coreBOS users know and that are no settings here, with where the thing is now.
pub const ELSEWHERE: &[(&str, &str)] = &[
    (
        "mabaseurl",
        "the address of Mautic is the parameter MauticUrl of the stack; `url` below [mautic] in bridge.toml",
    ),
    (
        "maversion",
        "the way of logging in follows from what the secret of Mautic holds: client_id, or username",
    ),
    ("maclientkey", "it is `client_id` in the secret of Mautic"),
    ("maclientsecret", "it is `client_secret` in the secret of Mautic"),
    ("macallback", "there is no callback: the bridge logs in by itself (client credentials)"),
    ("maaccesstoken", "tokens are fetched, shared and renewed by the bridge"),
    ("maaccesstokensecret", "tokens are fetched, shared and renewed by the bridge"),
    ("maaccesstokenexpires", "tokens are fetched, shared and renewed by the bridge"),
    ("matokentype", "tokens are fetched, shared and renewed by the bridge"),
    ("marefreshtoken", "tokens are fetched, shared and renewed by the bridge"),
    ("maleadsync", "it is a command: `bridge import --pair contacts --from mautic`"),
    ("macompaniessync", "it is a command: `bridge import --pair companies --from mautic`"),
    ("mauticusername", "it is `username` in the secret of Mautic"),
    ("mauticpassword", "it is `password` in the secret of Mautic"),
    (
        "mauticwebhooksecret",
        "`bridge setup mautic` makes it; it is in `webhook_secrets` of the secret of Mautic",
    ),
];
