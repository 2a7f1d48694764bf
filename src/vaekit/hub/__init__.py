"""Models on a hub: what is sent there, its card, and what a refusal means."""
