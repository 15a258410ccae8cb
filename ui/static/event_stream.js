// Keeps answers from getting lost between Gradio's page and its queue. Loaded before Gradio's scripts.
//
// The server ends its stream of answers when nothing is pending. An event that is sent before the page
// has heard of that believes in a stream that is none: its button stays without answer until another
// event opens the next one (Gradio 6.31; the slower the network, the more often). So the end of a stream
// is passed on only when every event that was sent has been answered; otherwise it goes on with the next.

(() => {
  const plainFetch = window.fetch.bind(window);
  const unanswered = new Set();
  const answered = new Set(); // before the answer to their sending was read
  let sending = 0;

  const pathOf = (input) => new URL(input instanceof Request ? input.url : input, location.href).pathname;

  async function send(input, init) {
    sending += 1;
    try {
      const answer = await plainFetch(input, init);
      const { event_id: id } = answer.ok ? await answer.clone().json() : {};
      if (id && !answered.delete(id)) unanswered.add(id);
      return answer;
    } finally {
      sending -= 1;
    }
  }

  function note(message) {
    if (!unanswered.delete(message.event_id) && sending) answered.add(message.event_id);
  }

  /** Passes the messages of one response on. Returns whether the server ended it in good order. */
  async function pass(response, forward) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return false;
      const messages = (rest + value).split("\n\n");
      rest = messages.pop();
      for (const message of messages) {
        if (message.startsWith('data: {"msg":"close_stream"')) return true;
        if (message.startsWith('data: {"msg":"process_completed"')) note(JSON.parse(message.slice(6)));
        forward(`${message}\n\n`);
      }
    }
  }

  async function follow(input, init) {
    const request = new Request(input, init);
    const first = await plainFetch(request.clone());
    if (!first.ok || !first.body) return first;
    const encoder = new TextEncoder();
    const body = new ReadableStream({
      async start(controller) {
        const forward = (text) => controller.enqueue(encoder.encode(text));
        try {
          let response = first;
          while (await pass(response, forward)) {
            if (!sending && !unanswered.size) {
              forward('data: {"msg":"close_stream","event_id":null}\n\n');
              break;
            }
            response = await plainFetch(request.clone());
            if (!response.ok) throw new Error(`the stream of answers ended with ${response.status}`);
          }
          controller.close();
        } catch (error) {
          unanswered.clear();
          controller.error(error);
        }
      },
    });
    return new Response(body, { status: first.status, headers: first.headers });
  }

  window.fetch = (input, init) => {
    const path = pathOf(input);
    if (path.endsWith("/queue/join")) return send(input, init);
    if (path.endsWith("/queue/data")) return follow(input, init);
    return plainFetch(input, init);
  };
})();
