"""Several processes that train one case: who starts them, what joins them, what each says."""
