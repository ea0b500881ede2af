import type { OutputParser } from '../run/process-spec.js';

/** What is known of an agent CLI: data, and one parser. Adding a CLI adds a file and a line in `index.ts`. */
export interface Preset {
  readonly command: string;
  /** The arguments of one non-interactive run that reads its prompt from stdin. */
  args(resume: { readonly sessionId: string | null; readonly extra: readonly string[] }): readonly string[];
  readonly createParser: () => OutputParser;
  /** How to get the CLI, for `testEnvironment`. */
  readonly installHint: string;
}
