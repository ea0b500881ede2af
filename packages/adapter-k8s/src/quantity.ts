const suffixes: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number behind a Kubernetes quantity (`500m`, `64Mi`, `1e3`); null when the text is none, or negative. */
export function quantityValue(text: string): number | null {
  const [, digits, suffix = '', exponent] =
    /^(\d+(?:\.\d+)?|\.\d+)(?:(m|k|[KMGTPE]i|[MGTPE])|[eE]([+-]?\d{1,2}))?$/.exec(text) ?? [];
  const factor = exponent === undefined ? suffixes[suffix] : 10 ** Number(exponent);
  return digits === undefined || factor === undefined ? null : Number(digits) * factor;
}
