"""Fine-tuning steps: one round is one optimizer step, timed in the worker."""


def test_train(benchmark, training):
    """Warm up by the tier's rule, then time the steady steps."""
    training.warm_up()
    benchmark.pedantic(training.step, rounds=training.steady_steps)
    training.finish()
