/** Wakes a loop: `next` resolves at the first `notify` since it was last asked, or after `ms`. */
export interface Notifier {
  readonly notify: () => void;
  next(ms: number): Promise<void>;
}

export function createNotifier(): Notifier {
  let isPending = false;
  let wake: (() => void) | null = null;
  return {
    notify() {
      isPending = true;
      wake?.();
    },
    next(ms) {
      if (isPending) {
        isPending = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const settle = (): void => {
          clearTimeout(timer);
          wake = null;
          isPending = false;
          resolve();
        };
        const timer = setTimeout(settle, ms);
        wake = settle;
      });
    },
  };
}
