import type { AgentIdentityV1, Json, RunInputV1 } from '@runbeat/adapter-sdk';
import type { LocalAttachedConfig, LocalConfig } from './config.js';
import { presets } from './presets/index.js';
import type { Preset } from './presets/preset.js';
import type { ProcessSpec } from './run/process-spec.js';
import { fillTemplate } from './stdin-template.js';

type AnyConfig = LocalConfig | LocalAttachedConfig;

/** The part of a context from which a spec is made. */
export interface SpecInput {
  readonly runId: string;
  readonly agent: AgentIdentityV1;
  readonly input: RunInputV1;
  readonly previousSession: Json;
}

/** The command of one run. */
export function specFromConfig(config: AnyConfig, context: SpecInput): ProcessSpec {
  return { ...resultSpec(config), args: argsOf(config, context.previousSession), stdin: stdinOf(config, context) };
}

/** As much of the spec as stopping a run and judging its end need; the same without the run's input. */
export function resultSpec(config: AnyConfig): ProcessSpec {
  const preset = presetOf(config);
  return {
    command: config.command ?? preset?.command ?? '',
    ...(config.cwd === undefined ? {} : { cwd: config.cwd }),
    env: config.env,
    graceMs: config.graceMs,
    signal: config.signal,
    ...('spoolLimitBytes' in config ? { spoolLimitBytes: config.spoolLimitBytes } : {}),
    ...(preset === null ? {} : { createParser: preset.createParser }),
  };
}

export function presetOf(config: AnyConfig): Preset | null {
  return config.output.preset === undefined ? null : presets[config.output.preset];
}

function argsOf(config: AnyConfig, previousSession: Json): readonly string[] {
  const preset = presetOf(config);
  if (preset === null) return config.args;
  return preset.args({ sessionId: sessionIdOf(previousSession), extra: config.args });
}

/** The session that `OutputReport.session` gave; null for anything else, such as one of another adapter. */
function sessionIdOf(session: Json): string | null {
  if (typeof session !== 'object' || session === null || !('id' in session)) return null;
  // It becomes an argument: what looks like an option is no id.
  return typeof session.id === 'string' && /^[A-Za-z0-9][\w.:-]*$/.test(session.id) ? session.id : null;
}

/** Without a template the prompt is what the command reads: agents take it from there, everything else ignores it. */
function stdinOf(config: AnyConfig, context: SpecInput): string | null {
  if (config.stdin === undefined) return context.input.prompt;
  return config.stdin === '' ? null : fillTemplate(config.stdin, context);
}
