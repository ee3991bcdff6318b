"""The dual encoder: presets, tokenizer, model folder."""
