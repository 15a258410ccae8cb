"""Extra networks of prompts: LoRA and its relatives, hypernetworks (behaviour 9.8, 15.5, 15.6)."""
