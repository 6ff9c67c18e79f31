"""Long fault drills, run by `make drill`. TIMES says how often a worker is killed, SEED which moments."""
