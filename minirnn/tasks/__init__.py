"""Systems: each binds its data, its model, its training defaults, its evaluation with baselines, its pictures."""
