"""What a latent space is like."""
