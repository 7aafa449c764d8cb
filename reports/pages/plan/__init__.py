"""The page that plans a job: an answer in sentences, options beside it, buying against renting."""
