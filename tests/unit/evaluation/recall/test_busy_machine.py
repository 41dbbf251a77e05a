"""An evaluation on a busy machine measures the same: no turn stays without a vector because encoding takes long."""

from memkit.evaluation.recall.variants import ABLATION_VARIANTS, ENCODE_TIMEOUT_S, with_patience
from memkit.settings import Settings


def test_encoding_may_take_an_hour_and_all_other_settings_stay() -> None:
    for settings in (Settings(), *(variant.settings for variant in ABLATION_VARIANTS)):
        patient = with_patience(settings)
        assert patient.runtime.encode_timeout == ENCODE_TIMEOUT_S
        assert patient.ranking == settings.ranking
        assert patient.decay == settings.decay
        assert patient.observe == settings.observe
