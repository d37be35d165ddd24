//! The WordPress sites: their accounts, what these may do, the must-use plugin, the map, the access keys, the queue.

use aws::DynamoStore;
use model::SystemKind;

use super::check::Checks;
use crate::site::{self, Keys, Seen};
use crate::stack::Stack;

pub(super) async fn examine(stack: &Stack, store: &DynamoStore, checks: &mut Checks) {
    let sites = match site::sites(&stack.environment) {
        Ok(sites) => sites,
        Err(error) => {
            checks.problem("wordpress: sites", format!("{error:#}"), "deploy with the right parameter");
            return;
        }
    };
    if sites.is_empty() {
        return;
    }
    for config in sites {
        let name = config.system.to_string();
        match site::look(stack, store, config).await {
            Ok(seen) => tell(&seen, checks),
            Err(error) => {
                let remedy = "create the secret, or let us read it; correct the setting that it names";
                checks.problem(format!("{name}: secret and settings"), format!("{error:#}"), remedy);
            }
        }
    }
    if let Ok(queue) = stack.environment.push_queue(SystemKind::WordPress) {
        super::flow::queue(stack, queue, "towards WordPress", checks).await;
    }
}

fn tell(seen: &Seen, checks: &mut Checks) {
    let of = |what: &str| format!("{}: {what}", seen.config.system);
    match (&seen.account, &seen.fusion) {
        (Some(Err(error)), _) => checks.problem(
            of("account"),
            error.clone(),
            "users wait in their queue; `bridge setup wordpress` says what the site needs",
        ),
        (Some(Ok(account)), _) => {
            let lacks = site::lacks(account);
            if !lacks.is_empty() {
                let seen = format!("{} lacks {}", account.username, lacks.join(", "));
                checks.problem(
                    of("account"),
                    seen,
                    "give it the role crm_sync, which the must-use plugin makes",
                );
            } else if site::is_administrator(account) {
                let seen = format!("{} is an administrator: more than the bridge needs", account.username);
                checks.warning(
                    of("account"),
                    seen,
                    "give it the role crm_sync of the must-use plugin instead",
                );
            } else {
                checks.ok(of("account"), format!("{}, with the right capabilities", account.username));
            }
            if account.schema.has_plugin() {
                checks.ok(of("must-use plugin"), "is there: tags, welcome mails, guarded roles");
            } else {
                checks.warning(
                    of("must-use plugin"),
                    "is not there: tags and contact ids are not kept, no welcome mail is sent, and nothing on the site \
                     itself keeps our user from administrators",
                    "`bridge setup wordpress --write-plugin FILE` writes it; copy it into wp-content/mu-plugins",
                );
            }
        }
        (None, Some(Ok(()))) => checks.ok(of("WP Fusion"), "answers, and knows our key"),
        (None, Some(Err(error))) => {
            checks.problem(
                of("WP Fusion"),
                error.clone(),
                "compare the key with WP Fusion's general settings",
            );
        }
        (None, None) => {}
    }
    match &seen.map {
        Err(error) => {
            checks.problem(of("map"), error.clone(), "correct the map, or take it out of the settings");
        }
        Ok(missing) if missing.is_empty() => {
            checks.ok(of("map"), "the site has a place for all that it fills");
        }
        Ok(missing) => checks.warning(
            of("map"),
            format!("the site has not registered {}: they are left out", missing.join(", ")),
            "list them in COREBOS_BRIDGE_META in the site's wp-config.php",
        ),
    }
    match seen.keys {
        Keys::None => checks.warning(
            of("access keys"),
            "there is none: every campaign is refused",
            "run `bridge setup wordpress --apply`, which makes one",
        ),
        Keys::Weak => checks.warning(
            of("access keys"),
            "one can be guessed",
            "run `bridge setup wordpress --rotate --apply`",
        ),
        Keys::Good(count) => checks.ok(of("access keys"), format!("{count} live")),
    }
}
