//! coreBOS: login, rights, preferences, fields, workflows, its own integration.

use aws::DynamoStore;
use connector_corebos::CoreBos;
use model::{ObjectName, SystemKind};
use sync::Connector as _;
use sync::PairSpec;

use super::check::Checks;
use super::system;
use crate::setup::control_fields;
use crate::setup::corebos::{modules as modules_of, specs, tells, wanted_workflows};
use crate::stack::Stack;

/// What later checks need of it.
pub(super) struct Examined {
    pub(super) connector: CoreBos,
}

pub(super) async fn examine(stack: &Stack, store: &DynamoStore, checks: &mut Checks) -> Option<Examined> {
    let opened = system::open::<CoreBos>(
        stack,
        store,
        SystemKind::CoreBos,
        system::Signs::Listed("webhook_keys"),
        checks,
    )
    .await;
    let (config, corebos) = opened?;
    let name = |what: &str| format!("{}: {what}", config.system);
    let account = match corebos.account().await {
        Ok(account) => account,
        Err(error) => {
            checks.refused(name("login"), &error);
            return None;
        }
    };
    checks.ok(name("login"), format!("{} answers, we are {}", config.url, account.id));
    system::identity(store, &corebos, checks).await;
    if account.is_administrator {
        checks.ok(name("role"), "our user is an administrator");
        if account.unfit_preferences.is_empty() {
            checks.ok(name("preferences"), "neutral formats, UTC");
        } else {
            let seen = account.unfit_preferences.join("; ");
            checks.problem(
                name("preferences"),
                seen,
                "change them in our user's page: coreBOS reads what we write by them",
            );
        }
    } else {
        let seen = "our user is no administrator: coreBOS tells it only of the changes of its own records";
        checks.problem(name("role"), seen, "tick Admin in our user's page (Settings, Users)");
        checks.warning(
            name("preferences"),
            "cannot be seen",
            "date yyyy-mm-dd, 24 hours, UTC, decimal point",
        );
    }
    system::clock(&config.system.to_string(), account.server_time, checks);
    // That a name is wrong was told already.
    let specs = specs(stack).await.unwrap_or_default();
    modules(&corebos, &specs, checks).await;
    workflows(&corebos, &modules_of(&specs), checks).await;
    let allowed = super::flow::other_integration_is_allowed(store).await;
    let by_hand = "look in coreBOS (Settings, Workflows) for active tasks \"Invoke Custom Function\" that call \
                   mauticContact... or mauticAccount..., and switch them off";
    system::rivals(store, &corebos, allowed, by_hand, checks).await;
    Some(Examined { connector: corebos })
}

/// Fields and rights of the modules that pairs have.
async fn modules(corebos: &CoreBos, specs: &[&'static PairSpec], checks: &mut Checks) {
    let mut rights_told = Vec::new();
    // Who stands beside another pair's partner has the fields of that pair.
    for pair in specs.iter().filter(|pair| pair.beside().is_none()) {
        let module = pair.hub_object;
        let name = |what: &str| format!("{}: {what} of {module}", corebos.system());
        let (description, rights) = match corebos.described(&ObjectName::new(module)).await {
            Ok(described) => described,
            Err(error) => {
                checks.refused(name("fields"), &error);
                continue;
            }
        };
        let may = [("create", rights.create), ("change", rights.update), ("read", rights.retrieve)];
        let may_not: Vec<&str> = may.iter().filter(|(_, may)| !may).map(|(what, _)| *what).collect();
        if rights_told.contains(&module) {
            // Told with the pair before.
        } else if may_not.is_empty() {
            checks.ok(name("rights"), "create, change, read");
        } else {
            let seen = format!("our user may not {}", may_not.join(", "));
            checks.problem(
                name("rights"),
                seen,
                "give these rights to our user's profile (Settings, Profiles)",
            );
        }
        rights_told.push(module);
        let there = control_fields::described(&description);
        let lacks: Vec<&str> =
            control_fields::of(pair).into_iter().filter(|field| !there.contains(field)).collect();
        let fields = format!("{} control fields", pair.remote_kind.as_str());
        if lacks.is_empty() {
            let closed = control_fields::closed(pair, &description);
            let but = if closed.is_empty() {
                String::new()
            } else {
                format!("; {} stay as they are", closed.join(", "))
            };
            checks.ok(name(&fields), format!("there{but}"));
        } else {
            let seen = format!("there is no {}", lacks.join(", "));
            checks.problem(name(&fields), seen, "`bridge setup corebos` says how they come");
        }
    }
}

/// The workflows that call us, as far as can be seen: their tasks cannot.
async fn workflows(corebos: &CoreBos, modules: &[&'static str], checks: &mut Checks) {
    for module in modules {
        let name = format!("{}: workflows of {module}", corebos.system());
        let seen = match corebos.workflows(module).await {
            Ok(seen) => seen,
            Err(error) => {
                let told = format!("cannot be seen: {error}");
                checks.warning(
                    name,
                    told,
                    "`bridge setup corebos` says which there should be; polls find what they do not tell",
                );
                continue;
            }
        };
        let wanted = wanted_workflows(module);
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|(_, launch, _)| !seen.iter().any(|workflow| tells(workflow, *launch)))
            .map(|(name, _, _)| name.as_str())
            .collect();
        if missing.is_empty() {
            checks.ok(name, "two have our name; what their tasks do cannot be seen from outside");
        } else {
            checks.warning(
                name,
                format!("none is to be seen for {}", missing.join(", ")),
                "`bridge setup corebos` says what to click; until then changes wait for a poll",
            );
        }
    }
}
