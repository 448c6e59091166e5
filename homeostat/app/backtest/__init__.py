"""Back-tests of a home: real trainings on what was known each week, kept; policies, oracle, report and its files."""
