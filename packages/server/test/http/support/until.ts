/** Resolves when the condition holds; looks again every 5 ms. Rejects with what it waited for after `limitMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new WaitedTooLong(what, limitMs);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

class WaitedTooLong extends Error {
  constructor(what: string, limitMs: number) {
    super(`Waited ${limitMs} ms for: ${what}`);
  }
}
