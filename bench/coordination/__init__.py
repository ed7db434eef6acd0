"""How well and how fast campaigns are found: planted campaigns, negatives, baselines, and the fit of the model."""
