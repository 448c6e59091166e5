"""What a person changes of a home by command, whether or not an instance runs."""
