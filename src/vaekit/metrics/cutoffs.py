"""The cut-offs of a live latent dimension: one for each meaning."""

DEAD_NATS = 0.01  # of its KL, below which a dimension carries nothing: it equals the prior for every image
IDLE_NATS = 0.1  # of its KL, below which a dimension carries next to nothing and could be spared
ACTIVE_VARIANCE = (
    0.01  # of its posterior mean over images, above which a unit is active (Burda et al. 2016, 5.2)
)
VOTING_VARIANCE = 0.05  # variance of its mean below which a dimension may not vote in the FactorVAE score (Locatello et al. 2019)
