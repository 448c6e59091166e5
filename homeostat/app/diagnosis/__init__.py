"""Why a loop does worse: the evidence of its home, collected for a judge."""
