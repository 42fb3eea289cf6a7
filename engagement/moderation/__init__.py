"""Moderation: policy, rules, queue, decisions, restrictions of readers, appeals, the log."""
