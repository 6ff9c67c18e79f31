"""The parts of the torture test of the lake: its model, its ten processes and the checks that compare both."""
