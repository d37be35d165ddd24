//! The command line does what its help says, and says what is wrong where it cannot.

use bridge::config::Config;
use scenarios::{Ended, Folder, Program};

use crate::BRIDGE;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

async fn run(arguments: &[&str]) -> Ended {
    Program::start(BRIDGE, arguments).end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_story_to_the_end() {
    let ended = run(&["demo"]).await;
    let text = ended.text();
    assert_eq!(ended.code, Some(0), "{text}");
    assert!(text.contains("All is in step."), "{text}");
    assert!(!text.contains("failed  "), "{text}");
    assert!(!text.contains('\u{1b}'), "no escape sequences in a pipe");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_configuration_is_one() {
    let ended = run(&["config", "example"]).await;
    assert_eq!(ended.code, Some(0));
    let config = Config::parse(&ended.text(), std::path::PathBuf::new()).unwrap();
    assert_eq!(config.mautic_system().unwrap().to_string(), "mautic:main");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_invoked_with_a_sample_event() {
    for (function, case, answer) in [
        ("webhook-mautic", "contact-new", "\"statusCode\": 200"),
        ("webhook-mautic", "wrong-signature", "\"statusCode\": 401"),
        ("push-corebos", "contact-saved", "\"batchItemFailures\": []"),
    ] {
        let event = format!("{ROOT}/events/{function}.{case}.json");
        let ended = run(&["invoke", function, &event]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.text());
        assert!(ended.text().contains(answer), "{}", ended.text());
        assert!(ended.text().contains(&format!("{function} answered in ")), "{}", ended.text());
    }
    let event = format!("{ROOT}/events/push-corebos.contact-saved.json");
    let ended = run(&["invoke", "push-corebos", &event]).await;
    assert!(ended.text().contains("\"outcome\":\"created\""), "the log is shown: {}", ended.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_event_is_an_answer_and_not_a_crash() {
    let folder = Folder::new();
    let odd = folder.write("odd.json", r#"{"neither":"a request nor a batch"}"#);
    let odd = odd.display().to_string();
    let webhook = run(&["invoke", "webhook-mautic", &odd]).await;
    assert_eq!(webhook.code, Some(0));
    assert!(webhook.text().contains("\"statusCode\": 400"), "{}", webhook.text());
    let push = run(&["invoke", "push-corebos", &odd]).await;
    assert_eq!(push.code, Some(1));
    assert!(push.text().contains("NotAQueueEvent"), "{}", push.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_with_what_can() {
    let folder = Folder::new();
    let no_json = folder.write("no.json", "this is not JSON").display().to_string();
    let event = format!("{ROOT}/events/push-corebos.contact-saved.json");
    let typo = folder.write("typo.toml", "[corebos]\nulr = \"x\"\n").display().to_string();
    for (arguments, code, words) in [
        (vec!["invoke", "push-corebo", &event], 1, "there are poll-corebos"),
        (vec!["function", "push-corebo"], 2, "there are poll-corebos"),
        (vec!["invoke", "push-corebos", "/does/not/exist.json"], 1, "cannot read /does/not/exist.json"),
        (vec!["invoke", "push-corebos", &no_json], 1, "is not JSON"),
        (vec!["up"], 2, "--config"),
        (vec!["up", "--config", "/does/not/exist.toml"], 1, "cannot read /does/not/exist.toml"),
        (vec!["up", "--config", &typo], 1, "line 2"),
        (vec!["no-such-command"], 2, "no-such-command"),
        (vec![], 2, "Usage"),
    ] {
        let ended = run(&arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.text());
        assert!(ended.text().contains(words), "{arguments:?}: {}", ended.text());
        assert!(!ended.text().contains("panicked"), "{arguments:?}: {}", ended.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_is_no_error() {
    for arguments in
        [&["--help"][..], &["--version"], &["up", "--help"], &["demo", "--help"], &["invoke", "--help"]]
    {
        assert_eq!(run(arguments).await.code, Some(0), "{arguments:?}");
    }
}
