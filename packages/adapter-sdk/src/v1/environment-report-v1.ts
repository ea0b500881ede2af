/** Asks whether an agent with this config could run here and now. Called by `runbeat agents test` and the API. */
export interface TestContextV1<Config = unknown> {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface EnvironmentCheckV1 {
  /** Stable, `lower_snake_case`. */
  readonly code: string;
  readonly level: 'ok' | 'info' | 'warn' | 'error';
  readonly message: string;
  /** How to mend it; absent when there is nothing to mend. */
  readonly hint?: string;
}

/** The agent can run when no check is an `error`. */
export interface EnvironmentReportV1 {
  readonly checks: readonly EnvironmentCheckV1[];
}
