/** The members of a context that are data; its functions and its signal cross the border in their own way. */
export function dataOf(context: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context).filter(([name, value]) => typeof value !== 'function' && name !== 'signal' && name !== 'config'),
  );
}
