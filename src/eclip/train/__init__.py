"""The e-CLIP training recipe: targets, loss, sampling, schedules, checkpoints."""
