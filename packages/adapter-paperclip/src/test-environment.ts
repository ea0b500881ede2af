import type { EnvironmentCheckV1, EnvironmentReportV1, TestContextV1 } from '@runbeat/adapter-sdk';
import { isMembers, type PaperclipServerAdapter, paperclipError } from './paperclip-module.js';

/** Asks a module whether an agent with this config could run. */
export async function testModuleEnvironment(
  module: PaperclipServerAdapter & { readonly testEnvironment: NonNullable<PaperclipServerAdapter['testEnvironment']> },
  context: TestContextV1<Readonly<Record<string, unknown>>>,
): Promise<EnvironmentReportV1> {
  const answer = await module.testEnvironment({ companyId: '', adapterType: module.type, config: context.config });
  if (!isMembers(answer) || !Array.isArray(answer['checks'])) {
    throw paperclipError(
      'paperclip_module_failed',
      `The module ${module.type} answered testEnvironment without a list of checks.`,
    );
  }
  return { checks: (answer['checks'] as unknown[]).flatMap((check) => checkFrom(check) ?? []) };
}

function checkFrom(raw: unknown): EnvironmentCheckV1 | null {
  if (!isMembers(raw)) return null;
  const text = (name: string): string | null => (typeof raw[name] === 'string' && raw[name] !== '' ? raw[name] : null);
  const [detail, hint] = [text('detail'), text('hint')];
  const message = text('message') ?? text('code') ?? 'no message';
  return {
    code: text('code') ?? 'unnamed',
    level: levelFrom(raw['level']),
    message: detail === null ? message : `${message} (${detail})`,
    ...(hint === null ? {} : { hint }),
  };
}

/** Paperclip has no level for a passed check; it says `info`. */
function levelFrom(level: unknown): EnvironmentCheckV1['level'] {
  return level === 'warn' || level === 'error' || level === 'ok' ? level : 'info';
}
