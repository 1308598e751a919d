"""The steps of a run, and the calls that they are made of, as the API shows them: in answers of bounded size."""
