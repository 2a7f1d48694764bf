"""`vaekit evaluate`."""

from __future__ import annotations

import vaekit
from vaekit.cli.card_tables import card_text
from vaekit.cli.command_options import EvaluateOptions
from vaekit.cli.output import Result
from vaekit.cli.tables import evaluation_text
from vaekit.config.foreign_options import ForeignSettings


def evaluate(options: EvaluateOptions) -> Result:
    """Measures a run and keeps the result in its summary.json and report.html; or measures any autoencoder."""
    result = vaekit.evaluate(
        options.run,
        options.data,
        encoder=options.encoder,
        decoder=options.decoder,
        label=options.label,
        samples=options.samples,
        images=options.images,
        jackknife=options.jackknife,
        annealed=options.annealed,
        sandwich=options.sandwich,
        chains=options.chains,
        temperatures=options.temperatures,
        leapfrog=options.leapfrog,
        features=None if options.skip_quality else options.features or "auto",
        disentanglement=options.disentanglement,
        seed=options.seed,
        precision=options.precision,
        device=options.device,
        keep=options.data is None,
        card=options.card,
        **options.those_of(ForeignSettings),
    )
    texts = [] if options.run is None else [evaluation_text(result)]
    texts += [] if result.card is None else [card_text(result.card, options.card)]
    return Result({"run": options.run, **result.as_dict()}, "\n".join(texts))
