/** Lets at most `limit` reads run at once; the others wait in the order in which they came. */
export interface StoreReadGate {
  run<T>(read: () => Promise<T>): Promise<T>;
}

export function createStoreReadGate(limit: number): StoreReadGate {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(read) {
      if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await read();
      } finally {
        // The place goes straight to the next in line, so that `running` never exceeds the limit.
        const next = waiting.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}
