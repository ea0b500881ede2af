/** Cuts a stream of server-sent events into the `data` of each; pieces may end anywhere. */
export interface SseParser {
  push(text: string): readonly string[];
}

export function createSseParser(): SseParser {
  let rest = '';
  let data: string[] = [];
  return {
    push(text) {
      const events: string[] = [];
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const rawLine of lines) {
        const line = rawLine.endsWith('\r') ? rawLine.slice(0, -1) : rawLine;
        if (line === '') {
          if (data.length > 0) events.push(data.join('\n'));
          data = [];
        } else if (line.startsWith('data:')) {
          data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
        }
        // `id` and `event` say what `data` says, too; comments are signs of life.
      }
      return events;
    },
  };
}
