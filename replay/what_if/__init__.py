"""What if: the log as it would have been under other rules, and what the statistics would say then."""
