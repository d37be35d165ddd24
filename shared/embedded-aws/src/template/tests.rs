//! Templates that can be read, and what is said about those that cannot.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

fn names() -> LocalNames {
    LocalNames {
        region: "eu-west-1".to_owned(),
        stack_name: "shop".to_owned(),
        sqs_endpoint: "http://127.0.0.1:1".to_owned(),
        front_url: "http://127.0.0.1:2".to_owned(),
    }
}

fn resolve_with(text: &str, parameters: &[(&str, &str)]) -> Result<Resources, TemplateError> {
    let parameters: BTreeMap<String, String> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::parse(text)?.resolve(&parameters, &names())
}

fn resolve(text: &str) -> Resources {
    resolve_with(text, &[]).unwrap()
}

/// A function with one variable.
fn variable(expression: &str) -> Result<String, TemplateError> {
    let text = format!(
        r"
Parameters:
  Stage: {{Type: String, Default: prod, AllowedValues: [prod, test]}}
  Zones: {{Type: CommaDelimitedList, Default: 'a, b,c'}}
Mappings:
  Sizes: {{prod: {{memory: big}}, test: {{memory: small}}}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: !Not [!Condition IsProd]
  Either: !Or [!Condition IsProd, {{Condition: IsTest}}]
  Both: {{'Fn::And': [{{Condition: IsProd}}, {{Condition: IsTest}}]}}
Resources:
  Queue: {{Type: 'AWS::SQS::Queue', Properties: {{FifoQueue: true, QueueName: !Sub '${{Stage}}-changes.fifo'}}}}
  Unnamed: {{Type: 'AWS::SQS::Queue', Properties: {{FifoQueue: 'true'}}}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}]
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}]
  Secret: {{Type: 'AWS::SecretsManager::Secret', Properties: {{Name: shop/key}}}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/a
      Environment:
        Variables:
          V: {expression}
"
    );
    Ok(resolve_with(&text, &[])?.functions[0].environment.get("V").cloned().unwrap_or("(none)".to_owned()))
}

#[test]
fn references_resolve_to_local_values() {
    for (expression, expected) in [
        ("plain", "plain"),
        ("7", "7"),
        ("true", "true"),
        ("!Ref Stage", "prod"),
        ("{Ref: Stage}", "prod"),
        ("!Ref AWS::Region", "eu-west-1"),
        ("!Ref Queue", "http://127.0.0.1:1/000000000000/prod-changes.fifo"),
        ("!GetAtt Queue.Arn", "arn:aws:sqs:eu-west-1:000000000000:prod-changes.fifo"),
        ("{'Fn::GetAtt': [Queue, QueueName]}", "prod-changes.fifo"),
        ("!GetAtt Unnamed.QueueName", "Unnamed.fifo"),
        ("!Ref Table", "Table"),
        ("!GetAtt Table.Arn", "arn:aws:dynamodb:eu-west-1:000000000000:table/Table"),
        ("!GetAtt Function.Arn", "arn:aws:lambda:eu-west-1:000000000000:function:Function"),
        (
            "!Sub '${Stage}/${AWS::StackName}/${!Literal}/${Queue.QueueName}'",
            "prod/shop/${Literal}/prod-changes.fifo",
        ),
        ("!Sub ['${A}-${Stage}', {A: !Ref Table}]", "Table-prod"),
        ("!Join ['-', [a, !Ref Stage, b]]", "a-prod-b"),
        ("!Join ['|', !Ref Zones]", "a|b|c"),
        ("!Select [1, !Ref Zones]", "b"),
        ("!Select [0, !Split ['.', x.y.z]]", "x"),
        ("!FindInMap [Sizes, !Ref Stage, memory]", "big"),
        ("!If [IsProd, yes-it-is, no]", "yes-it-is"),
        ("!If [IsTest, yes, !Ref AWS::NoValue]", "(none)"),
        ("!If [Either, 1, 2]", "1"),
        ("!If [Both, 1, 2]", "2"),
        ("!Base64 abc", "YWJj"),
        (
            "!Sub 'https://${ServerlessHttpApi}.execute-api.${AWS::Region}.amazonaws.com/x'",
            "http://127.0.0.1:2/x",
        ),
    ] {
        assert_eq!(variable(expression).as_deref(), Ok(expected), "{expression}");
    }
    let arn = variable("!Ref Secret").unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:000000000000:secret:shop/key-"), "{arn}");
    assert_eq!(arn.rsplit('-').next().map(str::len), Some(6));
}

#[test]
fn what_cannot_be_resolved_is_named_with_its_line() {
    for (expression, message) in [
        (
            "!Ref Tabel",
            "`Tabel` is neither a parameter nor a resource of this template; did you mean `Table`?",
        ),
        ("!GetAtt Queue.Url", "`Queue` (AWS::SQS::Queue) has no attribute `Url` here"),
        ("!GetAtt Queue", "`!GetAtt` takes"),
        ("!Sub '${Stage'", "`${` without `}`"),
        ("!ImportValue x", "`!ImportValue` is not supported"),
        ("!FindInMap [Sizes, prod, disk]", "`Mappings` has no `Sizes.prod.disk`"),
        ("!If [Missing, 1, 2]", "no condition `Missing`"),
        ("!Select [9, !Ref Zones]", "`!Select` takes"),
        ("[a, b]", "must be text, not a list"),
        ("!Ref Zones", "must be text, not a list"),
    ] {
        let error = variable(expression).unwrap_err();
        assert!(error.message.contains(message), "{expression}: {error}");
        assert!(error.line > 20, "{expression}: {error}");
    }
}

#[test]
fn references_in_a_circle_are_found() {
    let text = r"
Resources:
  A: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !GetAtt B.QueueName}}
  B: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !GetAtt A.QueueName}}
";
    let error = resolve_with(text, &[]).unwrap_err();
    assert!(error.message.contains("circle"), "{error}");
    let error = variable("!If [Round, 1, 2]").unwrap_err();
    assert!(error.message.contains("Round"), "{error}");
    let text =
        "Conditions: {A: !Not [!Condition A]}\nResources: {Q: {Type: 'AWS::SQS::Queue', Condition: A}}";
    assert!(resolve_with(text, &[]).unwrap_err().message.contains("circle"));
}

#[test]
fn parameters_have_defaults_and_are_checked() {
    let text = r"
Parameters:
  Needed: {Type: String}
  Size: {Type: Number, Default: 128}
  Mode: {Type: String, Default: a, AllowedValues: [a, b]}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: f, MemorySize: !Ref Size, FunctionName: !Ref Needed}
";
    let found = resolve_with(text, &[("Needed", "x"), ("Size", "512")]).unwrap();
    assert_eq!((found.functions[0].name.as_str(), found.functions[0].memory_mb), ("x", 512));
    for (parameters, line, message) in [
        (&[][..], 3, "`Needed` has no default"),
        (&[("Needed", "x"), ("Size", "big")], 4, "not a number"),
        (&[("Needed", "x"), ("Mode", "c")], 5, "not among its allowed values"),
        (&[("Needed", "x"), ("Neded", "y")], 3, "declares no parameter `Neded`"),
        (&[("Needed", "x"), ("Size", "1")], 9, "`MemorySize` of `F` must be 128 to 32768"),
    ] {
        let error = resolve_with(text, parameters).unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
}

#[test]
fn globals_are_merged_as_sam_merges_them() {
    let found = resolve(
        r"
Globals:
  Function:
    Timeout: 20
    MemorySize: 256
    Environment: {Variables: {A: global, B: global}}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/one/, Timeout: 5, Environment: {Variables: {B: own, C: own}}}
  Two:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/two, EventInvokeConfig: {MaximumRetryAttempts: 0}, ReservedConcurrentExecutions: 0}
",
    );
    let [one, two] = found.functions.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (one.timeout, one.memory_mb, one.folder.as_str()),
        (Duration::from_secs(5), 256, "functions/one")
    );
    let variables: Vec<(&str, &str)> =
        one.environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(variables, [("A", "global"), ("B", "own"), ("C", "own")]);
    assert_eq!(two.timeout, Duration::from_secs(20));
    assert_eq!((two.asynchronous_retries, one.asynchronous_retries), (0, 2));
    assert_eq!((two.reserved_concurrency, one.reserved_concurrency), (Some(0), None));
}

/// A function with one event, and a FIFO and a standard queue beside it.
fn event(event: &str) -> Result<EventSource, TemplateError> {
    let text = format!(
        r"
Resources:
  Fifo: {{Type: 'AWS::SQS::Queue', Properties: {{FifoQueue: true}}}}
  Plain: {{Type: 'AWS::SQS::Queue'}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: f
      Timeout: 30
      Events:
        E: {event}
"
    );
    Ok(resolve_with(&text, &[])?.functions[0].events[0].clone())
}

#[test]
fn event_sources_are_read_with_their_defaults() {
    let EventSource::Queue(plain) = event("{Type: SQS, Properties: {Queue: !GetAtt Plain.Arn}}").unwrap()
    else {
        panic!()
    };
    assert_eq!((plain.queue.as_str(), plain.batch_size, plain.enabled), ("Plain", 10, true));
    assert_eq!((plain.reports_item_failures, plain.maximum_concurrency), (false, None));
    let fifo = "{Type: SQS, Properties: {Queue: !GetAtt Fifo.Arn, BatchSize: 5, Enabled: false, \
        FunctionResponseTypes: [ReportBatchItemFailures], ScalingConfig: {MaximumConcurrency: 4}}}";
    let EventSource::Queue(fifo) = event(fifo).unwrap() else { panic!() };
    assert_eq!((fifo.queue.as_str(), fifo.batch_size, fifo.enabled), ("Fifo.fifo", 5, false));
    assert_eq!((fifo.reports_item_failures, fifo.maximum_concurrency), (true, Some(4)));
    let EventSource::Http(route) = event("{Type: HttpApi, Properties: {Path: /a, Method: post}}").unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (route.method.as_str(), route.path.as_str(), route.timeout),
        ("POST", "/a", Duration::from_secs(30))
    );
    let EventSource::Http(route) = event("{Type: HttpApi}").unwrap() else { panic!() };
    assert_eq!((route.method.as_str(), route.path.as_str()), ("ANY", "$default"));
    let schedule =
        "{Type: ScheduleV2, Properties: {ScheduleExpression: 'cron(0 3 * * ? *)', State: DISABLED}}";
    let EventSource::Schedule(schedule) = event(schedule).unwrap() else { panic!() };
    assert_eq!(
        (schedule.name.as_str(), schedule.enabled, schedule.kind),
        ("FE", false, ScheduleKind::Scheduler)
    );
}

#[test]
fn event_sources_that_aws_refuses_or_we_do_not_know_are_refused() {
    for (text, message) in [
        ("{Type: SQS, Properties: {Queue: !GetAtt Fifo.Arn, BatchSize: 11}}", "`BatchSize` must be 1 to 10"),
        (
            "{Type: SQS, Properties: {Queue: !GetAtt Plain.Arn, BatchSize: 11}}",
            "needs `MaximumBatchingWindowInSeconds`",
        ),
        (
            "{Type: SQS, Properties: {Queue: !GetAtt Fifo.Arn, MaximumBatchingWindowInSeconds: 1}}",
            "must be 0 to 0",
        ),
        (
            "{Type: SQS, Properties: {Queue: !GetAtt Plain.Arn, ScalingConfig: {MaximumConcurrency: 1}}}",
            "2 to 1000",
        ),
        (
            "{Type: SQS, Properties: {Queue: !GetAtt Plain.Arn, FunctionResponseTypes: [Other]}}",
            "ReportBatchItemFailures",
        ),
        (
            "{Type: SQS, Properties: {Queue: !GetAtt Plain.Arn, FilterCriteria: {}}}",
            "`FilterCriteria` is not supported",
        ),
        (
            "{Type: SQS, Properties: {Queue: 'arn:aws:sqs:eu-west-1:1:other'}}",
            "is not a queue of this template",
        ),
        ("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(5 minute)}}", "singular"),
        ("{Type: ScheduleV2, Properties: {}}", "has no `ScheduleExpression`"),
        ("{Type: HttpApi, Properties: {Path: hooks, Method: GET}}", "slash"),
        ("{Type: HttpApi, Properties: {Path: '/{a+}/b', Method: GET}}", "greedy"),
        ("{Type: HttpApi, Properties: {Path: /a, Method: FETCH}}", "no method"),
        ("{Type: HttpApi, Properties: {Path: /a, Method: GET, Auth: {Authorizer: Mine}}}", "authorizers"),
        ("{Type: HttpApi, Properties: {Path: /a, Method: GET, PayloadFormatVersion: '1.0'}}", "2.0"),
        ("{Type: HttpApi, Properties: {Path: /a, Method: GET, TimeoutInMillis: 31000}}", "50 to 30000"),
        ("{Type: Kinesis, Properties: {}}", "`Kinesis` is not supported"),
    ] {
        let error = event(text).unwrap_err();
        assert!(
            error.message.contains(message) && error.message.contains("event `E` of `F`"),
            "{text}: {error}"
        );
        assert_eq!(error.line, 11, "{text}: {error}");
    }
}

#[test]
fn a_visibility_below_the_functions_timeout_is_refused_as_lambda_does() {
    let error = resolve_with(
        r"
Resources:
  Q: {Type: 'AWS::SQS::Queue', Properties: {VisibilityTimeout: 10}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: f
      Timeout: 11
      Events: {E: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}
",
        &[],
    )
    .unwrap_err();
    assert!(error.message.contains("10 seconds is less than function timeout: 11 seconds"), "{error}");
}

#[test]
fn a_dead_letter_queue_comes_before_the_queue_that_names_it() {
    let found = resolve(
        r"
Resources:
  Q:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: 'True', DelaySeconds: '5', RedrivePolicy: {deadLetterTargetArn: !GetAtt Z.Arn, maxReceiveCount: 3}}
  Z: {Type: 'AWS::SQS::Queue', Properties: {FifoQueue: true}}
",
    );
    let names: Vec<&str> = found.queues.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(names, ["Z.fifo", "Q.fifo"]);
    assert_eq!(found.queues[1].attributes["FifoQueue"], "true");
    assert_eq!(found.queues[1].attributes["DelaySeconds"], "5");
    assert_eq!(
        found.queues[1].attributes["RedrivePolicy"],
        r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:Z.fifo","maxReceiveCount":3}"#
    );
    let outside = "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: x, maxReceiveCount: 3}";
    assert!(resolve_with(outside, &[]).unwrap_err().message.contains("not a queue of this template"));
}

#[test]
fn what_is_no_template_is_said_with_its_line() {
    for (text, line, message) in [
        ("", 1, "empty"),
        ("- a", 1, "must be a mapping"),
        ("Resources: 7", 1, "no `Resources` mapping"),
        ("Parameters: {}", 1, "no `Resources` mapping"),
        ("Resources:\n  A: {}\n", 2, "no `Type`"),
        ("Resources:\n  A: {Type: x}\n  A: {Type: y}\n", 3, "appears twice"),
        ("Resources:\n  A: !!binary x\n  B: {a: [}\n", 3, ""),
        ("Resources:\n\t- a", 2, ""),
        ("Resources:\n  A: *nothing\n", 2, ""),
        ("Resources:\n  F: {Type: 'AWS::Serverless::Function', Properties: {Handler: x}}", 2, "no `CodeUri`"),
        ("Resources:\n  F: {Type: 'AWS::Lambda::Function'}", 2, "not supported"),
        (
            "Resources:\n  Q: {Type: 'AWS::SQS::Queue', Properties: {Visibility: 3}}",
            2,
            "no property `Visibility`",
        ),
    ] {
        let error = resolve_with(text, &[]).unwrap_err();
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(error.line, line, "{text}: {error}");
    }
}

#[test]
fn aliases_and_depth_cannot_make_a_template_grow_without_end() {
    let level = |level: usize| match level {
        0 => "  A0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(),
        level => format!("  A{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")),
    };
    let bomb = format!("Resources:\n{}", (0..9).map(level).collect::<String>());
    assert!(Template::parse(&bomb).unwrap_err().message.contains("too large"));
    let deep = format!("Resources: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(Template::parse(&deep).is_err());
}

#[test]
fn two_functions_of_one_name_or_one_route_are_refused() {
    let two = |first: &str, second: &str| {
        let function = |id: &str, more: &str| {
            format!("  {id}: {{Type: 'AWS::Serverless::Function', Properties: {{CodeUri: x, {more}}}}}\n")
        };
        resolve_with(&format!("Resources:\n{}{}", function("A", first), function("B", second)), &[])
            .unwrap_err()
            .message
    };
    assert!(two("FunctionName: f", "FunctionName: f").contains("named `f`"));
    let route = "Events: {E: {Type: HttpApi, Properties: {Path: /a, Method: GET}}}";
    assert!(two(route, route).contains("GET /a is declared twice"));
}
