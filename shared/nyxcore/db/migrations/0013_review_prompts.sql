-- What a person is asked by a review, as it was resolved when the review began.

alter table run_steps add column prompt text, add column provenance jsonb;
