"""What every command that runs jobs in workers shares: one runner, the devices it runs on, the
names of a request.

A room that studies functions (`compare/`, `bench/`, `train/`, `context/`, `check/`, `identify/`)
has a `plan.py`, which turns a request into jobs, a `worker.py`, which runs inside a worker process,
and a `run.py`, which is its public function: it opens a `Study`, plans, runs and judges.
"""
