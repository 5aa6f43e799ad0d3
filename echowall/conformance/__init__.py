"""The Autobahn Testsuite, unchanged, against the stacks and any other echo endpoint."""
