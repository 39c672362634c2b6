/** How a run's stream says that it is whole. */

/** The text of the comment that ends the stream of a run, once the run has ended. */
export const END = "end";

const LAST_LINE = `: ${END}\n`;

/** The same response, with word of its end when its last line has come. */
export function watched(response: Response, onEnd: () => void): Response {
  if (!response.body) return response;
  const decoder = new TextDecoder("latin1");
  let tail = "";
  const watch = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      tail += decoder.decode(chunk.subarray(-LAST_LINE.length));
      tail = tail.slice(-LAST_LINE.length);
      controller.enqueue(chunk);
    },
    flush() {
      if (tail === LAST_LINE) onEnd();
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(watch), { status, statusText, headers });
}
