"""The seam between providers and the chat: whatever is streamed, well-formed events come out.

Bytes of a response in, events of the Responses API out, in both of OpenAI's protocols; nothing
behind it knows of providers. `Reading` is pure: it is fed bytes and gives events. What a provider
may send, beside what the two references describe (platform.openai.com/docs/api-reference, "Chat"
and "Responses"), and what is made of it:

**Frames** (`sse`): events as the HTML standard has them ("Server-sent events"), with any line end,
a byte order mark, comments, empty data (a proxy's keep-alive), a last event without its blank line;
several documents in one event; one document and no events at all, from gateways that buffer. Bytes
that are no UTF-8 are replaced; what is no JSON is a failure of the model.

**Text** (`sidestream.storable`): halves of a surrogate pair in two deltas (openclaw#115536,
elizaOS#30904), lone ones, NUL. Words as a list of parts, thinking among them (Mistral). Words that
come only with the end: `message` in a chunk, `output_text.done`, `output_item.done`,
`response.completed` (LiteLLM's and other bridges).

**Calls** (`calls`): the index is missing (Ollama before 0.4.7, ollama#7881; Gemini, openai-python
#2806), null, or 0 for every call (ollama#15457, litellm#21331, dynamo#4723); the id is missing,
empty, null, late, used twice, or used again in the next response; the name is repeated with each
piece, or carries remains of a template (`functions.name`, `name<|channel|>`, of gpt-oss); arguments
come in pieces, whole, as an object, or twice; `function_call` in place of `tool_calls`.

**Ends** (`ends`): `finish_reason` and `status` from a list of those that are known to be good;
missing, null or empty on every chunk and `[DONE]` all the same (vLLM's and xAI's older servers);
unknown; an error in place of a chunk (OpenRouter, vLLM). A closed connection alone is no end.

**Usage** (`usage`): missing, null, in a choice (Moonshot), in each chunk, as text, fraction,
negative, or more than can be.

**Reasoning**: `reasoning_content` (DeepSeek, Moonshot, Qwen), `reasoning` (OpenRouter, vLLM, Groq),
`reasoning_details` (OpenRouter), `extra_content.google.thought_signature` (Gemini), reasoning items
(Responses). It is no answer; it is kept with its response, because some want it back.

The order of events within a response changes nothing: words are one channel, each call another.
"""

from sidestream.chat.model.normalise.reading import Reading, completions, responses

__all__ = ["Reading", "completions", "responses"]
