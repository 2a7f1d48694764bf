"""The cut-offs of a live latent dimension: one for each meaning."""

DEAD_NATS = 0.01  # of its KL, below which a dimension carries nothing: it equals the prior for every image
IDLE_NATS = 0.1  # of its KL, below which a dimension carries next to nothing and could be spared
ACTIVE_VARIANCE = (
    0.01  # of its posterior mean over images, above which a unit is active (Burda et al. 2016, 5.2)
)
VOTING_VARIANCE = 0.05  # variance of its mean below which a dimension may not vote in the FactorVAE score (Locatello et al. 2019)

# What is said of a training that has ended (vaekit.training.verdict). Measured on the runs of benchmarks/notes.py.
# fmt: off
FEWEST_STEPS = 100  # below which every network here gains much by more: digits explain 0.4 after 24, 0.7 after 80, 0.9 after 240
STEPS_BEYOND = 1000  # in which networks learn what principal components do not say: digits gain 0.9 nats in 43, 3 to 6 in 86, 17 in 1,275
LAST = 0.2  # of a run: its last part, in which a run that is long enough gains little
STILL_FALLING = 0.1  # of all that the loss fell, in the last part: 240 steps of digits reach 0.09, 24 steps 0.3 to 0.4
BEYOND_NOISE = 2.0  # times the scatter of a loss about its own course, which a fall by chance hardly exceeds
MOSTLY_RISING = 0.5  # of the steps, above which the learning rate mostly rises and hardly ever rests near its peak
RISEN = 0.9  # of its rise, that the KL must have come to; one that rises to the very end is fine (digits: -35.8 against -32.8 nats)
LEAST_WAY = 0.02  # sum of the learning rates, by about which Adam can move a weight; fresh ones are of the order of 0.05
SOUND_RATE = 0.002  # learning rate of Adam at which every network here learns
NOTHING = 0.05  # explained variance below which reconstructions are hardly better than the mean of the data
POOR = 0.5  # explained variance below which there is something left to gain, and unused dimensions are missed
WELL = 0.8  # explained variance above which a run learned much, however short it was
FAINT = 1.0  # nats per image below which samples are alike because the latents say too little
ALIKE = 0.1  # variance of samples, over that of data, below which they look the same; good runs have 0.15 or more
FEW_CODES = 0.2  # of a codebook in use, below which something is wrong with it
WANDERING = 3.0  # times its whole fall, by which the training loss rose again on the way: it oscillates and does not descend
MATTERS = 0.1  # of the rate, by which validation must rise from where it began to say that training did harm
LOST = 0.25  # of the fall of the training loss that is lost again at the end: it has diverged
# What is said of a model by `evaluate` (vaekit.evaluation.found). Measured on short runs of digits, strokes and tables.
LITTLE = 0.1  # explained variance below which a faint rate is collapse, whatever single dimensions carry
BELOW_LINEAR = 0.6  # of what probabilistic PCA explains: digits under bce have 0.59 after 5 epochs, 0.76 at the end; others 0.75 or more
GAP_EXPLAINED = 0.1  # of the variance, by which training examples are reconstructed better: good runs 0.04 at most, 100 digits 0.3
TIMES_LEFT = 2.5  # times what is left unexplained of training examples: good runs 1.0 to 2.2, 100 digits over 100
SCALE_OFF = 5.0  # times the variance that p(x|z) gives residuals, or a part: good runs 0.28 to 1.8; digits 0.07 at sigma 1, 6.7 at 0.03
UNLIKE = 3.0  # times the variance of data, above which samples are no samples of it: good runs 0.85 at most
FEW_CLASSES = 0.5  # of the effective number of classes among test examples, that samples have
OFF = 0.5  # of the precision (good runs 0.8 or more) and coverage (0.63 or more; digits that collapsed 0.17) of training images
ONE_CODE = 1.5  # perplexity of a codebook below which one code stands for nearly everything; digits have 390 of 512
# fmt: on
