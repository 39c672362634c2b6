"""A random walk: people who use the chat, step by step, while its surroundings fail.

    plan -> walk -> steps -> person -> the function, its database, model and tools behind proxies
                      |-- faults: what breaks, and when in the middle of a run
                      `-- oracle: what has to hold afterwards

The plan counts: each kind of step and of fault comes as often as it says. It is cut into chapters,
each with people of its own, so that what fails can be walked again alone, by seed and chapter.
"""
