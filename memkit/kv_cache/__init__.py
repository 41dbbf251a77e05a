"""SirLLM's policy inside a model's key-value cache (arXiv 2405.12528), for transformers 5; the extra `kv`.

Nothing else in memkit imports this package. Without torch and transformers it raises MissingExtraError.
"""

from memkit.errors import MissingExtraError

try:
    import torch  # noqa: F401
    from transformers.cache_utils import DynamicLayer  # noqa: F401
    from transformers.modeling_rope_utils import RotaryEmbeddingConfigMixin  # noqa: F401  (new in transformers 5)
except ImportError as error:
    raise MissingExtraError(
        'memkit.kv_cache needs the extra kv. Install it: python -m pip install "torch>=2.6" "transformers>=5"'
    ) from error

from memkit.kv_cache.entropy_cache import Choose, EntropyCache, greedy, sampling

__all__ = ["Choose", "EntropyCache", "greedy", "sampling"]
