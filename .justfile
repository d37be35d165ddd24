# The few commands. `just --list` shows them.

# Everything that must hold; the same as in continuous integration.
check:
    .ci/run

# Builds the functions for Lambda. Needs the SAM CLI and cargo-lambda.
build:
    sam build --beta-features

# One invocation on the embedded stack with a sample event: just invoke webhook-mautic contact-new
invoke function case:
    cargo run --quiet -- invoke {{function}} events/{{function}}.{{case}}.json

# Builds and deploys. Asks for the parameters and keeps the answers in .samconfig.toml.
deploy: build
    sam deploy --guided --capabilities CAPABILITY_IAM --config-file "{{justfile_directory()}}/.samconfig.toml"
